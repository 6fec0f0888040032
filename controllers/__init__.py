from . import issuer_logo
