"""What Stampede is compared with: a plain locustfile, and two APIs with the shop's most frequent routes."""
