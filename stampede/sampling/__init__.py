"""What the machines, the roles and the API were like, second by second."""
