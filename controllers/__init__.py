from . import issuer_logo, wholesale_file
