"""Choices that products and services share."""

RECURRENCES = [
    ("daily", "Day"),
    ("weekly", "Week"),
    ("monthly", "Month"),
    ("quarterly", "Quarter"),
    ("yearly", "Year"),
]
INVOICING = [("advance", "In advance"), ("arrears", "In arrears")]
KINDS = [("subscription", "Subscription"), ("package", "Package"), ("did", "Phone Number (DID)")]
# the longest: ten years of months; no calendar holds a span of a hundred thousand
MAXIMUM_INTERVAL = 120
