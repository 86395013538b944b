// Package room is what the rooms of the store stand on: transactions at one instant, records
// under their keys, and walks over them that hold up nobody.
package room
