// Package heap finds which of many trigger levels a price reached: of orders, stops and alerts.
package heap
