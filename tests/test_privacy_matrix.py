"""What the people of one reseller can read: nothing of another one's or above its supplier."""

from .privacy_case import PrivacyCase

# what the world has none of
UNUSED = ()


class TestPrivacyMatrix(PrivacyCase):
    def test_the_world_is_as_it_should_be(self):
        self.assertFalse(self.billing.failed_period_ids.mapped("error"))
        moves = self.billing.move_ids
        self.assertEqual(
            {(move.partner_id.name, move.company_id.name) for move in moves},
            {
                ("providercustomer", "Telco"),
                ("firstreseller", "Telco"),
                ("secondreseller", "Telco"),
                ("firstcustomer", "firstreseller"),
                ("secondcustomer", "secondreseller"),
                ("agentcustomer", "firstreseller"),
                ("second-former", "firstreseller"),
            },
        )
        # of what is to be hidden there is something
        for model in self.env.registry:
            if model.startswith("telecom.") and not self.env[model]._abstract:
                ours = self.env[model].search(self.of_the_world(self.env[model]))
                known = model in UNUSED or self.env[model]._transient
                self.assertTrue(ours or known, model)
        bills = self.env["account.move"].search([("move_type", "=", "in_invoice")])
        self.assertLessEqual(
            {("Telco", "firstreseller"), ("Telco", "secondreseller")},
            {(bill.partner_id.name, bill.company_id.name) for bill in bills},
        )

    def test_nobody_reads_what_is_not_for_them(self):
        """What is another reseller's, and what lies above their supplier."""
        for (name, role), user in self.users.items():
            with self.subTest(name=name, role=role), self.quietly():
                leaks = [
                    (model, record.id, leak)
                    for model, record, text in self.everything(user)
                    for leak in self.found(name, role, text)
                ]
                self.assertFalse(leaks)

    def may_read(self, user, name):
        """Tell whether a user may read an account, in all companies that it works in."""
        partner = self.env["res.partner"].search([("name", "=", name)])
        context = {"allowed_company_ids": user.company_ids.ids}
        return partner.with_user(user).with_context(**context).has_access("read")

    def test_a_business_with_several_companies_shares_its_contacts_as_ever(self):
        other = self.make_company("Another of ours")
        user = self.make_user("colleague", "base.group_user", company_id=other.id)
        self.assertTrue(self.may_read(user, "providercustomer"))
        self.assertTrue(self.may_read(user, "firstcustomer"))
        # who works in a reseller's company and in another one reads all
        user = self.users["first", "manager"]
        self.assertFalse(self.may_read(user, "secondcustomer"))
        user.company_ids += self.company
        self.assertTrue(self.may_read(user, "secondcustomer"))

    def test_who_moves_to_another_reseller_is_read_there(self):
        partner = self.env["res.partner"].search([("name", "=", "secondcustomer")])
        first, second = (self.users[name, "manager"] for name in ("first", "second"))
        partner.reseller_id = self.resellers["agent"]
        self.assertTrue(self.may_read(first, "secondcustomer"))
        self.assertFalse(self.may_read(second, "secondcustomer"))
        # as is everybody below a reseller that moves, and invoices elsewhere
        self.env["telecom.billing.profile"].search([("name", "=", "agentprofile")]).active = False
        self.resellers["agent"].reseller_id = self.resellers["second"]
        self.assertFalse(self.may_read(first, "secondcustomer"))
        self.assertTrue(self.may_read(second, "secondcustomer"))

    def test_everybody_reads_what_is_their_own(self):
        for (name, role), user in self.users.items():
            own = f"{name}customer" if role != "reseller" else f"{name}reseller"
            texts = [text for _model, _record, text in self.everything(user)]
            self.assertTrue(any(own in text for text in texts), (name, role))
