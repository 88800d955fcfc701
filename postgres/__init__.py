"""PostgreSQL: the shop's rules in SQL, and a server for places without a container engine."""
