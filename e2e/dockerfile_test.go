package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// There is no Docker where most tests run, so the RUN commands of the
// Dockerfile's build stage are run by hand in a clean copy of what git tracks.
// It must end with a binary that validates the shipped configuration, and the
// image must run as an unprivileged user on an empty base.
func TestDockerfileBuildCommands(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the whole collector once more")
	}
	text, err := os.ReadFile("../Dockerfile")
	require.NoError(t, err)
	dockerfile := string(text)
	require.Regexp(t, `(?m)^FROM scratch$`, dockerfile)
	require.Regexp(t, `(?m)^USER 10001:10001$`, dockerfile)

	clean := t.TempDir()
	sh := func(dir, command string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "sh", "-ec", command)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s\n%s", command, out)
	}
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	sh(root, "git ls-files -z --cached --others --exclude-standard | xargs -0 -I{} sh -c 'test ! -e \"{}\" || echo \"{}\"' | tar -cf - -T - | tar -xf - -C '"+clean+"'")

	commands := regexp.MustCompile(`(?m)^RUN (.*)$`).FindAllStringSubmatch(dockerfile, -1)
	require.Len(t, commands, 4)
	for _, c := range commands {
		require.False(t, strings.HasSuffix(c[1], `\`), "one line a RUN, so that it can be run by hand")
		sh(clean, c[1])
	}
	require.FileExists(t, filepath.Join(clean, "out", "otelcol-foundation"))
	sh(clean, "out/otelcol-foundation validate --config otelcol-foundation.yaml && out/foundationctl --help >/dev/null")

	// Every path that the last stage copies exists after the build.
	for _, c := range regexp.MustCompile(`(?m)^COPY --from=build (?:--chown=\S+ )?(/src/.*) \S+$`).FindAllStringSubmatch(dockerfile, -1) {
		for _, src := range strings.Fields(c[1]) {
			_, err := os.Stat(filepath.Join(clean, strings.TrimPrefix(src, "/src/")))
			require.NoError(t, err, src)
		}
	}
}
