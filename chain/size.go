package chain

import (
	"fmt"
	"strings"
)

// SizeOnDisk returns how many bytes the block files take.
func (c *Chain) SizeOnDisk() (int64, error) {
	f := c.files
	names, err := f.fs.List(f.dir)
	if err != nil {
		return 0, fmt.Errorf("list block files: %w", err)
	}
	var sum int64
	for _, name := range names {
		if !strings.HasPrefix(name, "blk") {
			continue
		}
		info, err := f.fs.Stat(f.fs.PathJoin(f.dir, name))
		if err != nil {
			return 0, fmt.Errorf("measure block file: %w", err)
		}
		sum += info.Size()
	}
	return sum, nil
}
