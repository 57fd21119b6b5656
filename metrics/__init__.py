"""Events to Prometheus; KPI definitions; dashboards."""
