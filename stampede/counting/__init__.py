"""What users saw. A worker counts each request; the master adds the counts up, in the same classes.

=====================  ===============================================================================
``counts``             all counts of a request together
``names``              the names that are told apart: a limited number
``buckets``            how exactly times are counted
``latency``            times, by second and route; percentiles
``outcomes``           statuses, by second and route
``errors``             failed requests, by route and text, with a sample each
``exceptions``         exceptions of the users' own code, by place
``ended_users``        users that ended by themselves, by second and cause
``unreported``         responses that the locustfile never reported
``readable``           readable forms of unusual values
``figures``            the figures of a window, made from these
``ledger``             what users did and what they were answered, one entry each: for the audit
=====================  ===============================================================================
"""
