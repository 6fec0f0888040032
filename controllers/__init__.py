from . import wholesale_file
