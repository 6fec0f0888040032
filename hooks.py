def post_init_hook(env):
    """Give every company that is there already its default billing profile."""
    env["res.company"].search([])._ensure_billing_profile()
