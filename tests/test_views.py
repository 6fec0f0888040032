"""Every screen of the module opens, with its filters and groups, for those who may see it."""

from lxml import etree

from odoo import fields
from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools.safe_eval import safe_eval

from . import screens
from .common import TelecomCommon


@tagged("post_install", "-at_install")
class TestViews(TelecomCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user = cls.make_user("telecom-user")
        cls.manager = cls.make_user("telecom-manager", "telecom_billing.group_manager")
        cls.account = cls.make_account("ACME", email="acme@example.com")
        cls.add_service(cls.account, cls.make_product("Line"))
        cls.add_service(cls.account, cls.make_package("Pack", 600))
        cls.add_number(cls.account, "3227880199", cls.make_product("Number", "did"))
        calls = [cls.call(cls.account, seconds=seconds) for seconds in (60, 90, 0)]
        calls += [cls.call(cls.account, dst="999123"), cls.call(cls.account, uid="")]
        cls.env["telecom.cdr"].import_calls(calls, "switch")
        cls.env["telecom.cdr"].rate_pending()
        run = cls.env["telecom.billing.run"].with_user(cls.manager).close_periods("2025-04-01")
        cls.move = run.with_env(cls.env).period_ids.move_id
        # each screen starts from the database, as a request does
        cls.env.flush_all()
        cls.env.invalidate_all()

    def _actions(self, user):
        """Return the window actions of the module that a user may open."""
        data = self.env["ir.model.data"].search(
            [("module", "=", "telecom_billing"), ("model", "=", "ir.actions.act_window")]
        )
        actions = self.env["ir.actions.act_window"].browse(data.mapped("res_id"))
        return actions.filtered(
            lambda action: (
                (not action.group_ids or action.group_ids & user.all_group_ids)
                and self.env[action.res_model].with_user(user).has_access("read")
            )
        )

    def _each_action(self):
        """Yield (user, action) for both kinds of users."""
        for user in (self.user, self.manager):
            for action in self._actions(user):
                yield user, action

    def _open(self, user, action):
        """Return the action's model as the user has it, and its views."""
        context = screens.evaluate(self.env, action.context or "{}")
        context["allowed_company_ids"] = self.company.ids
        model = self.env[action.res_model].with_user(user).with_context(**context)
        return model, model.get_views(screens.views_of(action), {"action_id": action.id})["views"]

    def test_every_screen_of_the_plan_is_there(self):
        found = set(self._actions(self.manager).mapped("xml_id"))
        for name in (
            *("account_action", "subscription_action", "did_action"),
            *("cdr_action", "cdr_action_unrated", "cdr_import_action", "cdr_reject_action"),
            *("call_charge_action", "charge_action", "cdr_import_wizard_action"),
            *("billing_run_action", "billing_run_launch_action", "billing_period_action"),
            *("rate_card_action", "rate_action", "package_action", "product_template_action"),
            *("billing_profile_action", "cdr_source_action", "account_move_action"),
            "reminder_action",
        ):
            self.assertIn(f"telecom_billing.{name}", found)

    def test_lists_and_forms_show_what_is_there(self):
        shown = set()
        for user, action in self._each_action():
            with self.subTest(user=user.login, action=action.xml_id):
                model, views = self._open(user, action)
                domain = screens.evaluate(model.env, action.domain)
                for kind in views.keys() & {"list", "form", "kanban"}:
                    asked = screens.specification(model.env, action.res_model, views[kind]["arch"])
                    if kind == "form" and model.has_access("create"):
                        model.onchange({}, [], asked)
                    if not model._transient:
                        records = model.web_search_read(domain, asked, limit=20)["records"]
                        shown.update([action.res_model] if records else [])
        # a screen that was empty has proved nothing
        self.assertLessEqual(
            {
                *("res.partner", "telecom.subscription", "telecom.did", "telecom.cdr"),
                *("telecom.call.charge", "telecom.charge", "telecom.billing.run"),
                *("telecom.billing.period", "telecom.rate.card", "telecom.rate"),
                *("telecom.package", "product.template", "telecom.billing.profile"),
                *("telecom.cdr.source", "telecom.cdr.reject", "account.move"),
            },
            shown,
        )

    def test_filters_and_searches_run(self):
        for user, action in self._each_action():
            model, views = self._open(user, action)
            base = screens.evaluate(model.env, action.domain)
            arch = views["search"]["arch"]
            for name, domain in screens.search_domains(model.env, arch, action.res_model):
                with self.subTest(user=user.login, action=action.xml_id, search=name):
                    model.search([*base, *domain], limit=3)

    def test_group_bys_run(self):
        for user, action in self._each_action():
            model, views = self._open(user, action)
            if "list" not in views:
                continue
            base = screens.evaluate(model.env, action.domain)
            groups = screens.group_bys(model.env, views["search"]["arch"], action.res_model)
            sums = screens.aggregates(model.env, action.res_model, views["list"]["arch"])
            for group in groups:
                with self.subTest(user=user.login, action=action.xml_id, group=group):
                    for found in model.web_read_group(base, [group], sums)["groups"]:
                        domain = [*base, *found["__extra_domain"]]
                        self.assertEqual(model.search_count(domain), found["__count"])

    def test_groups_of_calls_by_state_hold_what_they_count(self):
        calls = self.env["telecom.cdr"].with_user(self.user)
        groups = calls.web_read_group([("source", "=", "switch")], ["state"], ["__count"])["groups"]
        counted = {group["state"]: group["__count"] for group in groups}
        self.assertEqual(counted, {"rated": 2, "ignored": 1, "unrated": 1})
        for group in groups:
            domain = [("source", "=", "switch"), *group["__extra_domain"]]
            self.assertEqual(calls.search_count(domain), group["__count"])

    def test_menus_lead_to_what_the_user_may_open(self):
        for user, hidden in ((self.user, True), (self.manager, False)):
            shown = self.env["ir.ui.menu"].with_user(user)._visible_menu_ids()
            for name in ("billing_run_launch_menu", "billing_profile_menu", "cdr_source_menu"):
                menu = self.env.ref(f"telecom_billing.{name}")
                self.assertEqual(menu.id not in shown, hidden, name)
        outsider = self.make_user("outsider", "base.group_user")
        shown = self.env["ir.ui.menu"].with_user(outsider)._visible_menu_ids()
        self.assertNotIn(self.env.ref("telecom_billing.telecom_menu_root").id, shown)

    # === OTHER PEOPLE'S SCREENS ===

    def _telecom_fields(self, model):
        return set(
            self.env["ir.model.fields"]
            .search([("model", "=", model)])
            .filtered(lambda field: field.modules == "telecom_billing")
            .mapped("name")
        )

    def _form(self, model, user, view):
        arch = self.env[model].with_user(user).get_view(self.env.ref(view).id, "form")["arch"]
        return etree.fromstring(arch)

    def test_outsiders_see_no_telecom_element(self):
        accountant = self.make_user(
            "accountant", "account.group_account_invoice,base.group_partner_manager"
        )
        for model, view in (
            ("res.partner", "base.view_partner_form"),
            ("account.move", "account.view_move_form"),
            ("product.template", "product.product_template_form_view"),
        ):
            names = {node.get("name") for node in self._form(model, accountant, view).iter()}
            ours = {name for name in names if name and "telecom" in name}
            self.assertFalse(ours | (names & self._telecom_fields(model)), model)

    def _shown(self, root, names, values):
        """Return which of the elements in `names` a record with these values shows."""
        shown = set()
        for node in root.iter():
            if node.get("name") not in names:
                continue
            chain = [node, *node.iterancestors()]
            if not any(
                safe_eval(element.get("invisible") or "False", dict(values))
                for element in chain
                if "telecom" in (element.get("invisible") or "")
                or element.get("invisible") in ("1", "True")
            ):
                shown.add(node.get("name"))
        return shown

    def test_partners_that_are_no_accounts_show_the_switch_only(self):
        root = self._form("res.partner", self.manager, "base.view_partner_form")
        names = self._telecom_fields("res.partner") | {
            *("action_open_calls", "action_open_charges", "action_open_services"),
            *("action_open_billing_periods", "action_bill_now", "action_price_check", "telecom"),
        }
        values = {"is_telecom_account": False, "id": 7, "reseller_id": False}
        values |= {
            **dict.fromkeys(("telecom_own_due_days", "telecom_no_usage", "is_reseller"), False),
            **dict.fromkeys(("telecom_own_profile_id", "telecom_rhythm_effect"), False),
        }
        values |= {"telecom_suspended": False, "telecom_chain_ids": []}
        values |= {"telecom_suspended": False, "reseller_kind": False}
        values |= {f"telecom_commission_{name}": False for name in ("cycle", "method", "settled")}
        self.assertEqual(self._shown(root, names, values), {"is_telecom_account"})
        account = self._shown(root, names, {**values, "is_telecom_account": True})
        self.assertLessEqual({"account_code", "rate_card_id", "action_open_calls"}, account)

    def test_invoices_that_are_not_telecom_show_nothing_of_it(self):
        root = self._form("account.move", self.manager, "account.view_move_form")
        names = {
            *("action_telecom_calls", "action_telecom_charges", "telecom_period_ids"),
            *("telecom_profile_id",),
        }
        self.assertFalse(self._shown(root, names, {"telecom_profile_id": False}))
        shown = self._shown(root, names, {"telecom_profile_id": 1})
        self.assertIn("action_telecom_calls", shown)
        (button,) = root.xpath("//button[@name='action_telecom_details']")
        self.assertEqual(button.get("column_invisible"), "not parent.telecom_profile_id")

    def test_contacts_of_an_account_are_no_accounts(self):
        action = self.env.ref("telecom_billing.account_action")
        context = screens.evaluate(self.env, action.context)
        partners = self.env["res.partner"].with_user(self.manager).with_context(**context)
        account = partners.create(
            {"name": "New", "child_ids": [Command.create({"name": "Her bookkeeper"})]}
        )
        account.child_ids = [Command.create({"name": "Her technician"})]
        self.assertTrue(account.is_telecom_account)
        self.assertEqual(account.child_ids.mapped("is_telecom_account"), [False, False])

    # === BUTTONS ===

    def test_stat_buttons_open_what_they_count(self):
        account = self.account.with_user(self.user)
        for button, field in (
            ("action_open_calls", "partner_id"),
            ("action_open_charges", "partner_id"),
            ("action_open_services", "partner_id"),
            ("action_open_billing_periods", "partner_id"),
        ):
            action = getattr(account, button)()
            records = account.env[action["res_model"]].search(action["domain"])
            self.assertTrue(records)
            self.assertEqual(records[field], account)
        calls = self.move.with_user(self.manager).action_telecom_calls()
        found = self.env[calls["res_model"]].search(calls["domain"])
        self.assertEqual(len(found), 2)

    def test_run_is_launched_by_managers_in_the_background(self):
        with self.assertRaises(AccessError):
            Form(self.env["telecom.billing.run.launch"].with_user(self.user))
        self.env["telecom.cdr"].import_calls(
            [self.call(self.account, start="2025-04-10 10:00:00")], "switch"
        )
        action = self.account.with_user(self.manager).action_bill_now()
        launch = Form(
            self.env["telecom.billing.run.launch"]
            .with_user(self.manager)
            .with_context(**action["context"])
        )
        self.assertEqual(launch.partner_ids.ids, self.account.ids)
        launch.closing = "ended"
        launch.until = fields.Date.to_date("2025-05-01")
        self.assertEqual((launch.due_count, launch.pending_count), (1, 1))
        self.assertEqual(launch.unrated_count, 1)
        launch.until = fields.Date.to_date("2025-04-30")
        self.assertEqual(launch.due_count, 0)
        launch.until = fields.Date.to_date("2025-05-01")
        opened = launch.save().action_start()
        run = self.env["telecom.billing.run"].browse(opened["res_id"])
        self.assertEqual(run.state, "waiting")
        self.env["telecom.billing.run"]._cron_close_periods()
        self.assertEqual((run.state, run.invoice_count), ("done", 1))

    def test_settings_change_the_company_profile(self):
        admin = self.make_user("admin-2", "telecom_billing.group_manager,base.group_system")
        settings = self.env["res.config.settings"].with_user(admin)
        form = Form(settings.with_company(self.company))
        form.telecom_mode = "draft"
        form.telecom_due_days = 30
        form.save().execute()
        self.assertEqual((self.profile.mode, self.profile.due_days), ("draft", 30))
