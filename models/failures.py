"""What could not be done for one account is kept on its record, and somebody hears of it.

A record is of a model with `error`, `partner_id`, `company_id` and activities.
"""

from odoo.exceptions import UserError


def failure_text(error):
    """Return what people read of an exception: a refusal's own words."""
    if isinstance(error, UserError):
        return str(error.args[0] if error.args else error)
    return f"{type(error).__name__}: {error}"


def keep_failure(record, message, summary):
    """Keep a failure in the field `error` of a record, with an activity for the responsible.

    The same failure is said once, however often it is tried again.
    """
    if record.error != message:
        record.error = message
        record.message_post(body=message)
    if not record.activity_ids:
        record.activity_schedule(
            "mail.mail_activity_data_warning",
            summary=summary,
            note=message,
            user_id=responsible(record).id,
        )


def heal(records):
    """Forget the failures of records for which the same thing was done now."""
    failed = records.filtered("error")
    failed.error = False
    failed.activity_unlink(["mail.mail_activity_data_warning"])


def responsible(record):
    """Return the salesperson of the record's account, else a billing manager of its company."""
    managers = record.env.ref("telecom_billing.group_manager").all_user_ids.filtered(
        lambda user: (
            user.active and (not record.company_id or record.company_id in user.company_ids)
        )
    )
    salesperson = record.partner_id.user_id.filtered(
        lambda user: (
            user.active
            and not user.share
            and (not record.company_id or record.company_id in user.company_ids)
        )
    )
    return salesperson or managers[:1] or record.env.ref("base.user_admin")
