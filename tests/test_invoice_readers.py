from odoo.tests import tagged

from .common import TelecomCommon


@tagged("post_install", "-at_install")
class TestInvoiceReaders(TelecomCommon):
    """People without telecom rights go on with Odoo's own records as ever."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.account = cls.make_account("Customer", "C1")
        cls.product = cls.make_package("Free 2 minutes", 120)
        cls.accountant = cls.make_user("accountant", "account.group_account_invoice")
        cls.clerk = cls.make_user("clerk", "base.group_user")

    def setUp(self):
        super().setUp()
        self.add_service(self.account, self.product)
        self.take_calls([self.call(self.account, seconds=600)])
        self.invoice = self.bill()

    def assertReads(self, user, *records):
        self.env.flush_all()
        self.env.invalidate_all()
        for record in records:
            self.assertTrue(record.with_user(user).read(), record)

    def assertReadsOurs(self, user, *records):
        """Where Odoo itself has fields that not everybody reads, read those of this module."""
        self.env.flush_all()
        self.env.invalidate_all()
        for record in records:
            ours = [
                name
                for name in record.with_user(user).fields_get()
                if "telecom_billing" in record._fields[name]._modules
            ]
            self.assertTrue(record.with_user(user).read(ours), record)

    def test_accountant_reads_all_fields(self):
        self.assertReads(self.accountant, self.invoice, self.product, self.product.product_tmpl_id)
        self.assertReadsOurs(
            self.accountant, self.invoice.line_ids, self.account, self.company, self.accountant
        )

    def test_employee_reads_all_fields(self):
        self.assertReads(self.clerk, self.product, self.product.product_tmpl_id)
        self.assertReadsOurs(self.clerk, self.account, self.company, self.clerk)

    def test_telecom_user_reads_what_others_do_not(self):
        user = self.make_user("telecom", "telecom_billing.group_user,account.group_account_invoice")
        invoice = self.invoice.with_user(user)
        self.assertEqual(invoice.telecom_period_ids.move_id, invoice)
        template = self.product.product_tmpl_id.with_user(user)
        self.assertEqual(template.telecom_package_count, 1)

    # === MERGING CONTACTS ===

    def merge(self, source, destination):
        self.env["base.partner.merge.automatic.wizard"]._merge(
            (source | destination).ids, destination
        )
        self.assertFalse(source.exists())

    def test_merged_account_hands_its_code_over(self):
        source = self.make_account("Twice", "C2")
        destination = self.env["res.partner"].create({"name": "Once"})
        self.merge(source, destination)
        self.assertEqual(destination.account_code, "C2")
        self.assertTrue(destination.is_telecom_account)

    def test_merged_account_leaves_another_its_code(self):
        self.merge(self.make_account("Twice", "C2"), self.account)
        self.assertEqual(self.account.account_code, "C1")

    def test_merged_accounts_of_which_one_has_a_code(self):
        first, second = self.make_account("One", "C2"), self.make_account("Two", "C3")
        second.account_code = False
        destination = self.env["res.partner"].create({"name": "Destination"})
        self.env["base.partner.merge.automatic.wizard"]._merge(
            (first | second | destination).ids, destination
        )
        self.assertEqual(destination.account_code, "C2")

    # === OTHER VERBS ===

    def test_accountant_exports_and_copies(self):
        self.accountant.group_ids += self.env.ref("base.group_allow_export")
        invoice = self.invoice.with_user(self.accountant)
        names = [
            name
            for name, field in invoice.fields_get().items()
            if field["store"] and field.get("exportable", True)
        ]
        self.assertTrue(invoice.export_data(names)["datas"])
        self.assertFalse(invoice.copy().sudo().telecom_profile_id)
