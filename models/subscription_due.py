"""Which services are to be looked at for charges."""

from datetime import timedelta

from odoo import fields


def due_services(env, horizon, retry_after_minutes, partners=None, companies=None):
    """Return the ids of the services to look at: those that are sound, those that failed.

    A service is charged at all its tiers at once: it is looked at for each of them. What was due
    before an account was moved is owed by those who stood above it then.

    :param horizon: the latest day that it is anywhere
    :param retry_after_minutes: leave alone what failed less than so many minutes ago
    :param partners, companies: as in `SubscriptionCharger.run`
    """
    for model in ("telecom.subscription", "res.partner", "telecom.account.chain"):
        env[model].flush_model()
    tiers = "string_to_array(trim(TRAILING '/' FROM p.reseller_path), '/')::integer[]"
    moved = f"""
        EXISTS (SELECT 1 FROM telecom_account_chain move
                 WHERE move.partner_id = ANY({tiers}) AND move.date_from > s.next_charge_date)
    """
    query = """
        SELECT s.id, s.error IS NOT NULL
          FROM telecom_subscription s JOIN res_partner p ON p.id = s.partner_id
         WHERE (s.state = 'running' AND s.next_charge_date <= %(horizon)s
                OR s.state IN ('running', 'ended') AND s.to_review)
           AND s.date_start <= %(horizon)s
           AND (s.error IS NULL OR s.failed_on IS NULL OR s.failed_on <= %(before)s)
    """
    params = {
        "horizon": horizon,
        "before": fields.Datetime.now() - timedelta(minutes=retry_after_minutes),
    }
    if partners is not None:
        query += f" AND ({tiers} && %(partners)s OR {moved})"
        params["partners"] = partners.ids
    if companies is not None:
        query += f"""
           AND ({tiers} && %(issuers)s
                OR EXISTS (SELECT 1 FROM res_partner tier
                            WHERE tier.id = ANY({tiers})
                              AND (tier.telecom_company_id IS NULL
                                   OR tier.telecom_company_id = ANY(%(companies)s)
                                   OR tier.billing_profile_id = ANY(%(profiles)s)))
                OR {moved})
        """
        # the company that bills a tier is that of its issuer, if there is one
        profiles = env["telecom.billing.profile"].search([("company_id", "in", companies.ids)])
        params.update(companies=companies.ids, profiles=profiles.ids, issuers=profiles.owner_id.ids)
    env.cr.execute(query + " ORDER BY s.id", params)
    found = env.cr.fetchall()
    return [row[0] for row in found if not row[1]], [row[0] for row in found if row[1]]
