"""A host that is read by psutil: systems without the /proc of Linux. Dearer, and tells less; nothing else can.

psutil is imported here only, and only when such a host is opened.
"""
