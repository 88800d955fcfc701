"""What users saw: workers count each request, and the master adds the counts up."""
