"""What the people of one reseller are told when they call methods on records that are not theirs.

Each public method of this module, and Odoo's own ways to read, by RPC: whatever they return or
refuse with names nobody.
"""

import itertools

from odoo.exceptions import UserError
from odoo.service.model import call_kw

from .privacy_case import PrivacyCase
from .test_access_rights import AccessCase

# what a client may call on any record, and with what
READERS = {
    "copy_data": ([],),
    "export_data": (["id", "display_name"],),
    "get_metadata": (),
    "has_access": ("read",),
    "read": ([],),
    "web_read": ({},),
}
# on any model
SEARCHERS = {
    "default_get": (["display_name", "partner_id", "company_id"],),
    "fields_get": (),
    "name_search": (),
    "search_count": ([],),
}


class TestPrivacyOfMethods(PrivacyCase):
    # the methods, and what they are called with
    public_methods = AccessCase.public_methods.__func__

    def told(self, user, model, method, arguments, ids=None, **kwargs):
        """Return all that a client is told when it calls a method, where nothing is kept."""
        context = {"allowed_company_ids": user.company_ids.ids}
        arguments = [*([ids] if ids is not None else []), *arguments]
        with self.env.cr.savepoint() as savepoint:
            try:
                records = self.env[model].with_user(user)
                result = call_kw(records, method, arguments, {"context": context, **kwargs})
            except UserError as error:
                result = f"{error} {getattr(error, 'context', '')}"
            except (KeyError, TypeError, ValueError) as error:
                # Odoo says what is wrong with the call
                result = str(error)
            finally:
                savepoint.rollback()
                self.env.invalidate_all(flush=False)
        return result

    def assert_told_nothing(self, told):
        """Check what people are told: (name, role, what was called, what it said)."""
        leaks = [
            (name, role, *call, leak)
            for name, role, call, text in told
            for leak in self.found(name, role, text)
        ]
        self.assertFalse(leaks, "\n".join(map(str, leaks[:40])))

    def test_readers(self):
        def told():
            for (name, role), user in self.users.items():
                foreign = self.records_that_name(name, role)
                self.assertGreater(len(foreign), 30)
                for (model, record), (method, arguments) in itertools.product(
                    foreign.items(), READERS.items()
                ):
                    if method == "web_read":
                        fields = self.env[model].with_user(user).fields_get([], [])
                        arguments = ({field: {} for field in fields},)
                    text = self.told(user, model, method, arguments, record.ids)
                    yield name, role, (model, record.id, method), text

        with self.quietly():
            self.assert_told_nothing(told())

    def test_searchers(self):
        def told():
            for (name, role), user in self.users.items():
                for model in self.models():
                    for method, arguments in SEARCHERS.items():
                        text = self.told(user, model, method, arguments)
                        yield name, role, (model, method), text
                    # by any field that leads to other records
                    for field in self.env[model]._fields.values():
                        if field.type == "many2one" and field.store:
                            text = self.told(
                                user, model, "formatted_read_group", ([], [field.name], ["__count"])
                            )
                            yield name, role, (model, "formatted_read_group", field.name), text

        with self.quietly():
            self.assert_told_nothing(told())

    def test_forms(self):
        """A form that is filled with others' records tells no more of them."""

        def told():
            for (name, role), user in self.users.items():
                foreign = self.records_that_name(name, role)
                for model in sorted(self.env.registry):
                    records = self.env[model]
                    if records._abstract or not model.startswith(("account.", "telecom.")):
                        continue
                    fields = records.with_user(user).fields_get([], [])
                    for field in map(records._fields.get, fields):
                        other = foreign.get(field.comodel_name)
                        if field.type != "many2one" or not other:
                            continue
                        spec = {field.name: {"fields": {"display_name": {}}}}
                        values = {field.name: other.id}
                        text = self.told(user, model, "onchange", (values, [], spec), [])
                        yield name, role, (model, "onchange", field.name), text

        with self.quietly():
            self.assert_told_nothing(told())

    def test_methods(self):
        calls = list(self.public_methods())

        def told():
            for (name, role), user in self.users.items():
                foreign = self.records_that_name(name, role)
                for model, method, arguments in calls:
                    on_model = getattr(getattr(self.env.registry[model], method), "_api_model", 0)
                    ids = None if on_model else foreign.get(model, self.env[model]).ids
                    if method in ("create", "write", "close_periods", "rate_pending"):
                        # of one's own
                        continue
                    text = self.told(user, model, method, arguments, ids)
                    yield name, role, (model, method), text

        with self.quietly():
            self.assert_told_nothing(told())
