from odoo import models
from odoo.exceptions import AccessError


class Base(models.AbstractModel):
    """Forms of resellers' people tell nothing of records that they may not read.

    Odoo shows the name of whatever record a form is filled with, whoever fills it in.
    """

    _inherit = "base"

    def onchange(self, values, field_names, fields_spec):
        user = self.env.user
        if (
            not self.env.su
            and user._telecom_has_resellers()
            and user._telecom_only_of_resellers(self.env.companies.ids)
        ):
            self._telecom_check_chosen(values)
        return super().onchange(values, field_names, fields_spec)

    def _telecom_check_chosen(self, values):
        """Check that records which are chosen in a form may be read.

        :param dict values: as a client sends them to `onchange`
        :raises AccessError: otherwise; it does not tell what the record is
        """
        stored = self.sudo() if len(self) == 1 else self.browse()
        for name, value in values.items():
            field = self._fields.get(name)
            if field is None or not value:
                continue
            if field.type == "many2one":
                chosen = self.env[field.comodel_name].browse(value)
                if stored[name].id != value and not chosen.has_access("read"):
                    raise AccessError(
                        self.env._(
                            "%(field)s: you may not choose this record.",
                            field=field._description_string(self.env),
                        )
                    )
            elif field.type in ("one2many", "many2many"):
                for command, line, *more in value:
                    if command in (0, 1) and more and isinstance(more[0], dict):
                        lines = self.env[field.comodel_name].browse(line if command else ())
                        lines._telecom_check_chosen(more[0])
