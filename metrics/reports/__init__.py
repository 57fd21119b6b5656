"""Daily and weekly reports and the monthly white paper (客服白皮书)."""
