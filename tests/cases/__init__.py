"""Cases from the field: locustfiles after public bug reports, and what a run of each must say.

=============  =======================================================================
``inputs/``    the locustfiles; each folder is named for its case
``server``     the API they are for; it counts what it has served
``attempt``    runs one locustfile on a cluster of its own
``catalogue``  every case: its settings, and the right values as assertions
=============  =======================================================================
"""
