"""How this add-on is set up, run and tested on a machine.

Plain standard library, Python 3.10+: these files run before anything is installed.
Nothing in the module imports them.
"""
