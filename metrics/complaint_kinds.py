"""By which alerts a call counts as one with a complaint, in reports and forecasts alike."""

COMPLAINT_KINDS = ("customer_complaint", "escalation_threat")
