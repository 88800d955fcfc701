"""A run as pages and files, made from its ``run.json`` alone. Pure: neither Locust nor gevent.

=============================  =======================================================================
``files``                      writes verdict.json and all that follows
``page``                       report.html: with ``charts`` (of ``drawing``, ``annotations``), ``tables``
``plain_text``, ``markdown``   summary.txt, summary.md
``junit``, ``timeline_csv``    junit.xml, timeline.csv
``compare``                    two runs next to each other: with ``conditions``, ``side_by_side``
``difference``                 whether a figure differs; ``failure_share``: whether failures do
``headline``                   what is wrong, in one line; also for the console and the UI
``hints``, ``pressures``       where to look for the reason
``series``, ``formatting``     columns by the second; numbers, times and verdicts as text
=============================  =======================================================================
"""
