"""The Grafana dashboards: written here, generated into the chart as JSON."""
