"""Opening screens the way the web client does, without one."""

from lxml import etree

from odoo.tools.safe_eval import datetime as safe_datetime
from odoo.tools.safe_eval import safe_eval

NUMBERS = ("integer", "float", "monetary")


def views_of(action):
    """Return [(view id, type)] of an act_window, its search view last."""
    return [*action.views, (action.search_view_id.id, "search")]


def nodes(arch, tag):
    """Return the elements of a view with that tag that are not within an x2many's own view."""
    root = etree.fromstring(arch)
    return [
        node for node in root.iter(tag) if not any(a.tag == "field" for a in node.iterancestors())
    ]


def specification(env, model, arch):
    """Return what the web client asks `web_read` for to show a form or a list."""
    fields = env[model].fields_get()
    return _specification(env, etree.fromstring(arch), fields)


def _specification(env, root, fields):
    found = {}
    for node in root.iter("field"):
        if next(node.iterancestors("field"), None) is not None:
            continue
        name = node.get("name")
        if fields[name]["type"] in ("one2many", "many2many"):
            inner = next((child for child in node if child.tag == "list"), None)
            comodel = fields[name]["relation"]
            found[name] = {
                "fields": {"display_name": {}}
                if inner is None
                else _specification(env, inner, env[comodel].fields_get())
            }
        elif fields[name]["type"] == "many2one":
            found[name] = {"fields": {"display_name": {}}}
        else:
            found[name] = {}
    return found


def evaluate(env, text, **names):
    """Return the value of a domain or context of a view."""
    return safe_eval(
        text or "[]",
        {"uid": env.uid, "datetime": safe_datetime, "context": dict(env.context), **names},
    )


def search_domains(env, arch, model):
    """Yield (name, domain) for each filter and each searchable field of a search view."""
    fields = env[model].fields_get()
    for node in nodes(arch, "filter"):
        if node.get("domain"):
            yield node.get("name"), evaluate(env, node.get("domain"))
    for node in nodes(arch, "field"):
        name = node.get("name")
        if node.get("filter_domain"):
            yield name, evaluate(env, node.get("filter_domain"), self="3")
        elif fields[name]["type"] != "properties":
            operator = node.get("operator", "ilike")
            if operator == "child_of":
                operator = "ilike"
            if fields[name]["type"] in ("date", "datetime", *NUMBERS):
                continue
            yield name, [(name, operator, "3")]


def group_bys(env, arch, model):
    """Yield the group-by of each filter of a search view that has one, dates by the month."""
    fields = env[model].fields_get()
    for node in nodes(arch, "filter"):
        group = evaluate(env, node.get("context") or "{}").get("group_by")
        if group:
            is_date = group in fields and fields[group]["type"] in ("date", "datetime")
            yield f"{group}:month" if is_date else group


def aggregates(env, model, arch):
    """Return the aggregates that a list asks for with each group."""
    fields = env[model].fields_get()
    return ["__count"] + [
        f"{node.get('name')}:sum"
        for node in nodes(arch, "field")
        if fields[node.get("name")]["type"] in NUMBERS
        and fields[node.get("name")].get("aggregator") == "sum"
    ]
