"""What users saw. A worker counts each request; the master adds the counts up, in the same classes.

=====================  ===============================================================================
``counts``             all counts of a request together
``latency``            times, by second and route; percentiles
``outcomes``           statuses, by second and route
``error_samples``      one answer for each error
``figures``            the figures of a window, made from these
``ledger``             what users did and what they were answered, one entry each: for the audit
=====================  ===============================================================================
"""
