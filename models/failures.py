"""What could not be done for one account is kept on its record, and somebody hears of it.

A record is of a model with `error`, `partner_id`, `company_id` and activities.
"""

from odoo.exceptions import UserError

WARNING = "mail.mail_activity_data_warning"


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
        warn(record, message, summary)


def warn(record, message, summary, about=None):
    """Schedule an activity on a record that somebody has to look at, and return it.

    :param about: whose responsible is asked, a record as above; None: the record itself
    """
    return record.activity_schedule(
        WARNING,
        summary=summary,
        note=message,
        user_id=responsible(record if about is None else about).id,
    )


def heal(records):
    """Forget the failures of records for which the same thing was done now."""
    failed = records.filtered("error")
    failed.error = False
    failed.activity_unlink([WARNING])


def responsible(record):
    """Return the salesperson of the record's account, else a billing manager of its company."""

    def is_here(user):
        return (
            user.active
            and not user.share
            and (not record.company_id or record.company_id in user.company_ids)
        )

    managers = record.env.ref("telecom_billing.group_manager").all_user_ids.filtered(is_here)
    salesperson = record.partner_id.user_id.filtered(is_here)
    return salesperson or managers[:1] or record.env.ref("base.user_admin")
