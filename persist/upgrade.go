package persist

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

// upgrade brings an open file to the latest version. After a major step no older program can use
// the file, so the whole directory is copied first, and the way back is told. A step that is
// stopped or fails leaves the file as it was.
func (d *database) upgrade(c *conn) error {
	version, err := d.schema.versionOf(c, d.path)
	if err != nil {
		return err
	}
	latest := d.schema.latest()
	if version == 0 || version/minorVersions >= latest/minorVersions {
		return d.schema.migrate(c, d.path)
	}
	dir := filepath.Dir(d.path)
	target := filepath.Join(dir, fmt.Sprintf("before-schema-%d.%d-%s", latest/minorVersions,
		latest%minorVersions, time.Now().UTC().Format(folderTime)))
	// The caller holds the directory, so nobody is in a hurry to write.
	k := copier{open: openRead}
	if _, err := k.folder(context.Background(), dir, target); err != nil {
		return fmt.Errorf("%s is not upgraded, because it could not be copied before: %w", d.path, err)
	}
	d.log.Info("the files were copied, because older programs cannot use them after this upgrade",
		"file", d.path, "from", versionText(version), "to", versionText(latest), "rollback",
		fmt.Sprintf("server.exe restore %s -data %s", target, dir))
	return d.schema.migrate(c, d.path)
}

// folderTime is how a time stands in the name of a folder.
const folderTime = "20060102T150405.000Z"

func versionText(version int64) string {
	return fmt.Sprintf("%d.%d", version/minorVersions, version%minorVersions)
}
