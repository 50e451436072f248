package miner

import "time"

// window is how far back the measured hash rate looks.
const window = 10 * time.Second

// meter measures a rate from samples of a counter.
type meter struct{ samples []sample }

type sample struct {
	at    time.Time
	count uint64
}

// add notes the counter and forgets samples beyond the window, but for one to measure from.
func (m *meter) add(now time.Time, count uint64) {
	for len(m.samples) > 1 && now.Sub(m.samples[1].at) >= window {
		m.samples = m.samples[1:]
	}
	m.samples = append(m.samples, sample{now, count})
}

// rate returns how much the counter rises in a second.
func (m *meter) rate(now time.Time, count uint64) float64 {
	if len(m.samples) == 0 {
		return 0
	}
	from := m.samples[0]
	if len(m.samples) > 1 && now.Sub(from.at) > window {
		from = m.samples[1]
	}
	passed := now.Sub(from.at).Seconds()
	if passed <= 0 {
		return 0
	}
	return float64(count-from.count) / passed
}
