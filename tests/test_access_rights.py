"""Who may do what: no access by default, and nothing across companies."""

import inspect
from itertools import product

from freezegun import freeze_time
from psycopg2.errors import ReadOnlySqlTransaction

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.service.model import call_kw
from odoo.tools import mute_logger

from ..models.account_terms import TERMS
from .common import TelecomCommon

# what a telecom user and a billing manager may do: c(reate), r(ead), w(rite), u(nlink)
RIGHTS = {
    "telecom.account.chain": ("r", "r"),
    "telecom.account.identifier": ("crwu", "crwu"),
    "telecom.allowance": ("r", "r"),
    "telecom.allowance.use": ("r", "r"),
    "telecom.billing.period": ("r", "r"),
    "telecom.billing.profile": ("r", "crwu"),
    "telecom.billing.run": ("r", "crw"),
    "telecom.call.charge": ("r", "r"),
    "telecom.cdr": ("cr", "cru"),
    "telecom.cdr.import": ("cr", "crwu"),
    "telecom.cdr.reject": ("rw", "crwu"),
    "telecom.cdr.source": ("r", "crwu"),
    "telecom.charge": ("r", "crwu"),
    "telecom.commission": ("r", "r"),
    "telecom.did": ("r", "crwu"),
    "telecom.issuer": ("r", "r"),
    "telecom.margin.report": ("r", "r"),
    "telecom.package": ("r", "crwu"),
    "telecom.rate": ("r", "crwu"),
    "telecom.rate.card": ("r", "crwu"),
    "telecom.rate.loss": ("r", "r"),
    "telecom.rate.markup": ("r", "crwu"),
    "telecom.reconciliation.report": ("r", "r"),
    "telecom.reminder": ("r", "r"),
    "telecom.reminder.rule": ("r", "crwu"),
    "telecom.subscription": ("r", "crwu"),
    "telecom.subscription.version": ("r", "crwu"),
    "telecom.usage": ("r", "r"),
}
# wizards: everything or nothing, by those who may use them
WIZARDS = {
    "telecom.billing.run.launch": ("", "crwu"),
    "telecom.cdr.import.column": ("crwu", "crwu"),
    "telecom.cdr.import.wizard": ("crwu", "crwu"),
    "telecom.commission.settle": ("", "crwu"),
    "telecom.price.check": ("crwu", "crwu"),
    "telecom.rate.derive": ("", "crwu"),
    "telecom.rate.import": ("", "crwu"),
    "telecom.rate.import.column": ("", "crwu"),
    "telecom.reseller.setup": ("", "crwu"),
}
# methods that a telecom user may call although they write where the user itself may not:
# calls are rated and priced again by whoever imports them
BY_USERS = {"action_rate", "action_rerate", "action_try_again", "import_calls", "rate_pending"}
# methods that return what the user may read
READERS = {"copy_data"}
# values for parameters that have no default
ARGUMENTS = {
    "until": "2025-04-01",
    "date_from": "2025-03-20",
    "rows": [{"uid": "x", "start": "2025-03-10 10:00:00", "billsec": 1}],
    "source": "test",
    "vals": {},
    "vals_list": [{}],
}
OPERATIONS = {"create": "c", "read": "r", "write": "w", "unlink": "u"}


class AccessCase(TelecomCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.make_user("manager", "telecom_billing.group_manager")
        cls.records = cls.make_one_of_each(cls.company, cls.manager)
        cls.customer = cls.records["telecom.cdr"].partner_id
        cls.user = cls.make_user("user")
        cls.internal = cls.make_user("internal", "base.group_user")
        cls.portal = cls.make_user("portal", "base.group_portal")
        cls.portal.partner_id = cls.customer
        cls.public = cls.env.ref("base.public_user")
        cls.env.flush_all()

    @classmethod
    def models(cls):
        return [
            name
            for name in sorted(cls.env.registry)
            if name.startswith("telecom.") and not cls.env[name]._abstract
        ]

    @classmethod
    def make_one_of_each(cls, company, manager):
        """Return {model: one record of the company}, made by the pipeline itself."""
        env = cls.env(context={**cls.env.context, "allowed_company_ids": company.ids})
        name = company.name
        card = cls.make_card(f"Card of {name}", cls.RATES, company_id=company.id)
        agent = cls.make_reseller(
            f"Agent of {name}",
            "agent",
            telecom_company_id=company.id,
            rate_card_id=False,
            telecom_commission_method="percent",
            telecom_commission_calls=50,
        )
        account = cls.make_account(
            f"Account of {name}",
            telecom_company_id=company.id,
            rate_card_id=card.id,
            reseller_id=agent.id,
        )
        account.telecom_tax_ids = cls.make_tax(6, company=company)
        identifier = env["telecom.account.identifier"].create(
            {"partner_id": account.id, "value": f"user of {name}"}
        )
        package = cls.make_package(f"Package of {name}", 10, product={"company_id": company.id})
        service = cls.add_service(account, package)
        did_product = cls.make_product("DID", "did", company_id=company.id)
        did = env["telecom.did"].create(
            {"number": f"3227880{company.id:03d}", "company_id": company.id}
        )
        cls.add_service(account, did_product, did_id=did.id)
        source = env["telecom.cdr.source"].create(
            {"name": name, "code": name, "company_id": company.id, "format": "header_csv"}
        )
        columns = "uid,account_code,dst,start,billsec\n"
        row = f"{name},{account.account_code},3225551234,2025-03-10 10:00:00,60\n"
        imported = env["telecom.cdr.import"]._import_file(
            source, "calls.csv", f"{columns}{row}bad,,,never,1\n".encode()
        )
        env["telecom.cdr"].rate_pending()
        company.billing_profile_id.brand_name = f"Brand {name}"
        runs = env["telecom.billing.run"].with_user(manager)
        run = runs.close_periods("2025-04-01", account).sudo()
        cdr = env["telecom.cdr"].search([("uid", "=", name)])
        rule = env["telecom.reminder.rule"].create({"profile_id": company.billing_profile_id.id})
        reminder = env["telecom.reminder"]._claim(run.move_ids, rule, "skipped")
        reminder.company_id = company
        reseller = cls.make_account(
            f"Reseller of {name}",
            is_reseller=True,
            telecom_company_id=company.id,
            rate_card_id=card.id,
        )
        cheap = cls.make_card(
            f"Cheap {name}",
            [("32", "Belgium", 0.01, {})],
            company_id=company.id,
            owner_id=reseller.id,
            parent_card_id=card.id,
            markup_ids=[Command.create({"prefix": "32", "percent": 10})],
        )
        cheap._check_losses()
        records = {
            "account.move": run.move_ids[:1],
            "account.move.line": run.move_ids.invoice_line_ids[:1],
            "product.template": package.product_tmpl_id,
            "res.company": company,
            "res.partner": account,
            "telecom.account.chain": env["telecom.account.chain"].create(
                {"partner_id": account.id}
            ),
            "telecom.account.identifier": identifier,
            "telecom.allowance": service.allowance_ids,
            "telecom.allowance.use": env["telecom.allowance.use"].search([("cdr_id", "=", cdr.id)]),
            "telecom.billing.period": run.period_ids,
            "telecom.billing.profile": company.billing_profile_id,
            "telecom.billing.run": run,
            "telecom.call.charge": cdr.call_charge_ids,
            "telecom.cdr": cdr,
            "telecom.cdr.import": imported,
            "telecom.cdr.reject": imported.reject_ids,
            "telecom.cdr.source": source,
            "telecom.charge": service.charge_ids[:1],
            "telecom.commission": env["telecom.commission"].search([("partner_id", "=", agent.id)]),
            "telecom.did": did,
            "telecom.issuer": run.move_ids.telecom_issuer_id,
            "telecom.margin.report": env["telecom.margin.report"].search(
                [("customer_id", "=", account.id), ("kind", "=", "calls")]
            ),
            "telecom.package": env["telecom.package"].search([("product_id", "=", package.id)]),
            "telecom.rate": card.rate_ids[:1],
            "telecom.rate.card": card,
            "telecom.rate.loss": cheap.loss_ids[:1],
            "telecom.rate.markup": cheap.markup_ids,
            "telecom.reconciliation.report": env["telecom.reconciliation.report"].search(
                [("partner_id", "=", account.id)]
            ),
            "telecom.reminder": reminder,
            "telecom.reminder.rule": rule,
            "telecom.subscription": service,
            "telecom.subscription.version": service.version_ids,
            "telecom.usage": run.period_ids.usage_ids[:1],
        }
        for model, record in records.items():
            assert len(record) == 1, (model, record, run.period_ids.mapped("error"))
        return records

    @classmethod
    def public_methods(cls):
        """Yield (model, name, arguments) of what our code adds to what anybody may call."""
        for model_name in sorted(cls.env.registry):
            model = cls.env.registry[model_name]
            for name in sorted(set(dir(model))):
                method = inspect.getattr_static(model, name, None)
                if name.startswith("_") or not inspect.isfunction(method):
                    continue
                if name == "onchange":
                    # of all models, see test_privacy_methods
                    continue
                defining = [base for base in model.__mro__ if name in vars(base)]
                if not defining[0].__module__.startswith("odoo.addons.telecom_billing."):
                    continue
                if any(getattr(vars(base)[name], "_api_private", False) for base in defining):
                    continue
                parameters = list(inspect.signature(method).parameters.values())[1:]
                arguments = [p.name for p in parameters if p.default is inspect.Parameter.empty]
                yield model_name, name, [ARGUMENTS[argument] for argument in arguments]

    def outcome(self, user, model_name, name, arguments, record):
        """Call a method like a client does, where nothing can be written.

        :return: "refused", "writes" (it would have), "harmless", or what it returned
        """
        method = inspect.getattr_static(self.env.registry[model_name], name)
        ids = [] if getattr(method, "_api_model", False) else [record.ids]
        with self.env.cr.savepoint() as savepoint, mute_logger("odoo.sql_db"):
            self.env.cr.execute("SET LOCAL transaction_read_only = on")
            try:
                result = call_kw(self.env[model_name].with_user(user), name, [*ids, *arguments], {})
                self.env.flush_all()
            except UserError:
                return "refused"
            except ValueError as error:
                # of a wizard that nobody of these can make
                if record or "Expected singleton" not in str(error):
                    raise
                return "refused"
            except ReadOnlySqlTransaction:
                return "writes"
            finally:
                savepoint.rollback()
                self.env.invalidate_all(flush=False)
        is_action = isinstance(result, dict) and str(result.get("type")).startswith("ir.actions.")
        tells = result and result is not True and not is_action
        return f"returned {result!r}" if tells else "harmless"


class TestAccessRights(AccessCase):
    def test_every_model_is_in_the_table(self):
        self.assertEqual(sorted({*RIGHTS, *WIZARDS}), self.models())
        for model in self.models():
            self.assertEqual(self.env[model]._transient, model in WIZARDS, model)

    def test_matrix_of_roles_and_models(self):
        for (model, rights), (operation, letter) in product(
            {**RIGHTS, **WIZARDS}.items(), OPERATIONS.items()
        ):
            for user, allowed in (
                (self.public, ""),
                (self.portal, ""),
                (self.internal, ""),
                (self.user, rights[0]),
                (self.manager, rights[1]),
            ):
                records = self.env[model].with_user(user)
                self.assertEqual(
                    records.has_access(operation), letter in allowed, (model, user.login, operation)
                )

    def test_records_can_be_read_by_those_who_may_and_by_nobody_else(self):
        for model in RIGHTS:
            record = self.records[model]
            for user in (self.public, self.portal, self.internal):
                with self.assertRaises(AccessError):
                    record.with_user(user).read([])
                with self.assertRaises(AccessError):
                    self.env[model].with_user(user).search([])
            for user in (self.user, self.manager):
                self.assertTrue(record.with_user(user).read(), (model, user.login))
                self.assertIn(record, self.env[model].with_user(user).search([]))

    def test_nobody_sees_what_others_ask_import_or_launch(self):
        colleague = self.make_user("colleague", "telecom_billing.group_manager")
        source = self.records["telecom.cdr.source"].id
        values = {
            "telecom.billing.run.launch": {"until": "2025-04-01"},
            "telecom.cdr.import.column": {"position": 1, "name": "uid"},
            "telecom.cdr.import.wizard": {"source_id": source, "file": "c2VjcmV0"},
            "telecom.commission.settle": {"date_to": "2025-04-01"},
            "telecom.price.check": {"number": "3225551234"},
            "telecom.rate.derive": {"card_id": self.records["telecom.rate.card"].id},
            "telecom.rate.import": {"file": "c2VjcmV0"},
            "telecom.rate.import.column": {"position": 1, "name": "Prefix"},
            "telecom.reseller.setup": {"name": "Secret"},
        }
        self.assertEqual(values.keys(), WIZARDS.keys())
        made = {}
        for model in sorted(values, key=lambda name: name.endswith(".column")):
            wizards = self.env[model].with_user(self.manager)
            above = {"wizard_id": "telecom.cdr.import.wizard", "import_id": "telecom.rate.import"}
            for field, wizard in above.items():
                if field in wizards._fields and model.endswith(".column"):
                    values[model][field] = made[wizard].id
            made[model] = wizards.create(values[model])
            self.assertTrue(wizards.search([]).read(), model)
            self.assertFalse(wizards.with_user(colleague).search([]), model)
            for verb in ("read", "unlink"):
                with self.assertRaises(AccessError):
                    getattr(made[model].with_user(colleague), verb)()

    def test_no_method_does_anything_for_outsiders(self):
        for model, name, arguments in self.public_methods():
            for user in (self.public, self.portal, self.internal):
                record = self.records.get(model, self.env[model])
                outcome = self.outcome(user, model, name, arguments, record)
                if (model, name, user) == ("res.partner", "copy_data", self.internal):
                    # who may read contacts may copy them, without what they are billed by
                    for term in TERMS:
                        self.assertNotIn(f"'{term}'", outcome)
                    continue
                self.assertIn(outcome, ("refused", "harmless"), (model, name, user.login))

    def test_no_method_writes_for_telecom_users_what_they_may_not_write(self):
        for model, name, arguments in self.public_methods():
            if name in BY_USERS | READERS or model not in RIGHTS or "w" in RIGHTS[model][0]:
                continue
            if name == "create" and "c" in RIGHTS[model][0]:
                continue
            outcome = self.outcome(self.user, model, name, arguments, self.records[model])
            self.assertIn(outcome, ("refused", "harmless"), (model, name))

    def test_users_see_each_others_balances_but_outsiders_none(self):
        self.assertTrue(self.customer.with_user(self.user).read(["telecom_balance"]))
        for user in (self.internal, self.portal):
            with self.assertRaises(AccessError):
                self.customer.with_user(user).read(["telecom_balance"])


class TestCompanies(AccessCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.make_company("Other")
        boss = cls.make_user("boss", "telecom_billing.group_manager", company_id=cls.other.id)
        cls.theirs = cls.make_one_of_each(cls.other, boss)
        cls.clerks = cls.user + cls.manager
        cls.env.flush_all()
        cls.env.invalidate_all()

    def test_no_record_of_another_company_is_seen_or_changed(self):
        for model in RIGHTS:
            record = self.theirs[model]
            for user in self.clerks:
                mine = record.with_user(user).with_context(allowed_company_ids=self.company.ids)
                self.assertNotIn(record, self.env[model].with_user(user).search([]), model)
                self.assertFalse(mine.has_access("read"), model)
                with self.assertRaises(AccessError):
                    mine.read()
                with self.assertRaises(AccessError):
                    mine.write({})
                with self.assertRaises(AccessError):
                    mine.unlink()
                both = user.sudo()
                both.company_ids += self.other
                self.assertTrue(
                    record.with_user(user).with_context(allowed_company_ids=self.other.ids).read()
                )
                both.company_ids -= self.other

    def test_no_method_does_anything_to_records_of_another_company(self):
        for model, name, arguments in self.public_methods():
            if model not in RIGHTS or name in ("create", "import_calls", "rate_pending"):
                continue
            for user in self.clerks:
                if name == "close_periods":
                    continue
                outcome = self.outcome(user, model, name, arguments, self.theirs[model])
                self.assertIn(outcome, ("refused", "harmless"), (model, name, user.login))

    def test_a_billing_run_leaves_the_other_company_alone(self):
        runs = self.env["telecom.billing.run"].with_user(self.manager)
        theirs = self.env["telecom.billing.period"].search([("company_id", "=", self.other.id)])
        charges = self.env["telecom.charge"].search([("company_id", "=", self.other.id)])
        states = theirs.mapped("state")
        for partners in (None, self.theirs["res.partner"].ids):
            run = runs.close_periods("2025-05-01", partners)
            self.assertFalse(run.sudo().period_ids & theirs)
            self.assertEqual(theirs.mapped("state"), states)
        found = self.env["telecom.charge"].search([("company_id", "=", self.other.id)])
        self.assertEqual(found, charges)
        self.assertEqual(
            self.records["telecom.billing.period"].search_count(
                [("company_id", "=", self.company.id), ("state", "=", "invoiced")]
            ),
            2,
        )
        # what a person launched is worked off by cron, for that person's companies
        launched = runs._start("2025-05-01")
        launched.sudo()._process()
        self.assertFalse(launched.sudo().period_ids & theirs)
        # what cron closes is seen by those whose companies it is about
        with freeze_time("2025-05-01 12:00:00"):
            self.env["telecom.billing.run"]._cron_close_periods()
        self.assertTrue(theirs.filtered(lambda p: p.state != "open"))
        for run in self.env["telecom.billing.run"].search([]):
            companies = run.period_ids.company_id
            self.assertLessEqual(len(companies), 1)
            self.assertEqual(run in runs.search([]), run.company_ids == self.company)
            self.assertLessEqual(companies, run.company_ids)

    def test_no_calls_are_imported_for_the_other_company(self):
        calls = self.env["telecom.cdr"].with_user(self.user)
        theirs = self.theirs["res.partner"]
        row = self.call(theirs)
        with self.assertRaises(AccessError):
            calls.import_calls([dict(row)], self.theirs["telecom.cdr.source"].code)
        # a source of one's own, an account of somebody else: by code, number, or identifier
        for vals in (
            {},
            {"account_code": "", "dst": self.theirs["telecom.did"].number, "direction": "inbound"},
            {"account_code": "", "sip_user": "user of Other"},
        ):
            counts = calls.import_calls([self.call(theirs, **vals)], "mine")
            self.assertEqual((counts["taken"], counts["rejected"]), (0, 1), vals)
        self.assertEqual(self.env["telecom.cdr"].search_count([("partner_id", "=", theirs.id)]), 1)
        # those who belong to both may, and so may the switch's own job
        self.user.sudo().company_ids += self.other
        calls = calls.with_context(allowed_company_ids=self.user.company_ids.ids)
        self.assertEqual(calls.import_calls([self.call(theirs)], "mine")["taken"], 1)

    def test_journals_and_products_of_another_company_are_refused(self):
        journal = self.env["account.journal"].search(
            [("company_id", "=", self.other.id), ("type", "=", "sale")], limit=1
        )
        with self.assertRaises(UserError):
            self.company.billing_profile_id.journal_id = journal
