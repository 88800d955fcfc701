"""A client of HTTP/1.1 for users: few system calls, and nothing that most load tests do not need."""
