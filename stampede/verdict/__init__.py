"""The verdict: the facts of a run in, its checks out. Pure: neither Locust nor gevent.

======================  ==============================================================================
``verdict``             all parts together
``correct``             CORRECT
``fast``, ``overload``  FAST
``valid``               VALID, with the checks in ``kept_up``, ``rate_reached``, ``requests_counted`` and
                        ``users_kept``
``losses``, ``moves``   which workers were lost, and when users moved: several checks need this
``checks``              how a check is made
======================  ==============================================================================
"""
