"""What the users saw: workers count each request, the master adds the counts up."""
