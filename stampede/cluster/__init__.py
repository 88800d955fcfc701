"""Master and workers: no user and no request is lost when workers join, leave or die.

=============================  =======================================================================
``master``, ``worker``         what each of them does about it
``dispatcher``, ``shares``     which worker runs how many users; notices workers that are lost
``delivery``                   each report of a worker counts once
``roster``                     which workers there are, and their labels
``clocks``                     how far the workers' clocks are ahead of the master's
``allowed_targets``            where users may be sent
``interrupt``, ``patches``     what is changed of Python's and of Locust's own behaviour
``user_patches``               what is changed of Locust's users
``small_statistics``           Locust's own statistics, without what grows with time and with names
=============================  =======================================================================
"""
