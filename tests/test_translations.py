"""The template of translations has every text that users read."""

from pathlib import Path

import polib

from odoo.tests import TransactionCase, tagged
from odoo.tools.translate import TranslationModuleReader

TEMPLATE = Path(__file__).resolve().parents[1] / "i18n" / "telecom_billing.pot"


@tagged("post_install", "-at_install")
class TestTranslations(TransactionCase):
    def test_the_template_is_complete(self):
        # demo data is named so, and belongs to those who look at it, not to translators
        wanted = {
            row[4]
            for row in TranslationModuleReader(self.env.cr, modules=["telecom_billing"])
            if "_demo" not in str(row[3])
        }
        written = {entry.msgid for entry in polib.pofile(str(TEMPLATE))}
        self.assertGreater(len(written), 500)
        self.assertFalse(wanted - written, "run `make pot`")
        self.assertFalse(written - wanted, "run `make pot`")
