// Package deploy holds what an operator installs beside the binary: alert rules for Prometheus, a
// dashboard for Grafana, a unit for systemd and a task for Windows. They are files of this package,
// printed by server print.
package deploy
