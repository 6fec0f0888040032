"""What people do in the two months of tests/month_world.py, as the screens let them."""

from .month_world import MISSING_RATE


class MonthPeople:
    """One method for each kind of event; mixed into tests/test_month.py."""

    def as_manager(self, records):
        return records.with_user(self.manager).with_context(allowed_company_ids=self.company.ids)

    def period(self, account, first):
        return self.env["telecom.billing.period"].search(
            [("partner_id", "=", self.accounts[account].id), ("date_from", "=", first)]
        )

    def pay_move(self, move, amount=None):
        self.as_manager(self.env["account.payment.register"]).with_context(
            active_model="account.move", active_ids=move.ids
        ).create({"amount": float(amount)} if amount else {})._create_payments()

    def do_pay(self, account, first, amount):
        self.pay_move(self.period(account, first).move_id, amount)

    def do_pay_all(self, account):
        for move in self.moves(account):
            if move._telecom_is_unpaid():
                self.pay_move(move)

    def do_dispute(self, account, first, disputed):
        self.as_manager(self.period(account, first).move_id).telecom_disputed = disputed

    def do_billing_day(self, account, day):
        self.as_manager(self.accounts[account]).billing_day = day

    def do_bill_now(self, account):
        action = self.as_manager(self.accounts[account]).action_bill_now()
        launches = self.as_manager(self.env["telecom.billing.run.launch"])
        launches.with_context(**action["context"]).create({}).action_start()

    def do_confirm(self, issuer):
        drafts = self.env["account.move"].search(
            [("telecom_profile_id", "=", self.profiles[issuer].id), ("state", "=", "draft")]
        )
        self.as_manager(drafts).action_post()

    def do_cancel(self, account, first):
        move = self.as_manager(self.period(account, first).move_id)
        move.button_draft()
        move.button_cancel()

    def do_again(self, account, first):
        self.as_manager(self.period(account, first)).action_invoice()

    def service(self, name):
        return self.as_manager(self.env["telecom.subscription"].search([("name", "=", name)]))

    def do_price(self, name, day, price):
        self.service(name).change_terms(day, price_unit=float(price))

    def do_end(self, name, day):
        self.service(name).date_end = day

    def do_charge(self, account, name, amount, day):
        self.as_manager(self.env["telecom.charge"]).create(
            {
                "name": name,
                "partner_id": self.accounts[account].id,
                "amount": float(amount),
                "date": day,
            }
        )

    def do_invoice_charge(self, account, name):
        charge = self.env["telecom.charge"].search(
            [("partner_id", "=", self.accounts[account].id), ("name", "=", name)]
        )
        self.as_manager(charge).action_invoice_now()

    def do_rate(self):
        prefix, destination, price, fee, first, following = MISSING_RATE
        for name in ("standard", "dollar"):
            self.as_manager(self.env["telecom.rate"]).create(
                {
                    "card_id": self.cards[name].id,
                    "prefix": prefix,
                    "destination": destination,
                    "price_per_minute": price,
                    "connection_fee": fee,
                    "initial_increment": first,
                    "increment": following,
                }
            )
        self.as_manager(self.env["telecom.cdr"]).rate_pending()
