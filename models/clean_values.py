from odoo import api, models


class CleanValues(models.AbstractModel):
    """For models whose fields are typed by people in more ways than one."""

    _name = "telecom.clean.values"
    _description = "Values Brought to One Form"

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._clean(dict(vals)) for vals in vals_list])

    def write(self, vals):
        return super().write(self._clean(dict(vals)))

    @api.model
    def _clean(self, vals):
        """Bring what was typed to the form in which it is stored, and return it.

        :param vals: dict of `create` or `write`, which may be changed
        """
        return vals
