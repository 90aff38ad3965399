"""InforMEA's view of the decisions, docs/informea.md: `routes` answers, `odata` and `options` read queries."""
