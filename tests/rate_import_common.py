"""What the tests of imported decks share."""

import base64
import csv
import io
from datetime import datetime

from odoo.addons.telecom_billing.models.price_question import PriceQuestion

from .common import TelecomCommon


class RateImportCommon(TelecomCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.empty = cls.make_card("Empty")
        cls.manager = cls.make_user("manager", "telecom_billing.group_manager")
        cls.manager.tz = "Europe/Brussels"

    def wizard(self, content, name="deck.csv", card=None, **vals):
        """A wizard in which a manager has chosen the file."""
        if isinstance(content, str):
            content = content.encode()
        wizard = (
            self.env["telecom.rate.import"]
            .with_user(self.manager)
            .create(
                {
                    "card_id": (card or self.empty).id,
                    "file": base64.b64encode(content),
                    "file_name": name,
                    **vals,
                }
            )
        )
        wizard.action_read()
        return wizard

    def run_import(self, content, name="deck.csv", **vals):
        """Go through all the steps as they are proposed."""
        wizard = self.wizard(content, name, **vals)
        wizard.action_preview()
        self.previewed = wizard.preview
        self.assertTrue(wizard.can_import, self.previewed)
        wizard.action_import()
        self.assertEqual(wizard.state, "done")
        return wizard

    def counts(self, wizard):
        """The numbers on the preview's tiles."""
        import lxml.html

        tree = lxml.html.fromstring(str(wizard.preview))
        return [int(tile.text_content().replace(",", "")) for tile in tree.find_class("fs-3")]

    def rejected(self, wizard):
        """The file of rejected rows, as rows of cells."""
        text = base64.b64decode(wizard.reject_file).decode("utf-8-sig")
        return list(csv.reader(io.StringIO(text)))

    def price(self, card, number, seconds=60, start=datetime(2025, 7, 1), way="outbound"):
        """What the account of a card is told for a call."""
        account = self.env["res.partner"].search([("account_code", "=", f"on {card.name}")])
        account = account or self.make_account(f"on {card.name}", rate_card_id=card.id)
        return PriceQuestion(self.env).ask(account, number, way, seconds, start).tiers[0]
