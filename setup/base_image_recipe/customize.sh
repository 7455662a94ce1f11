#!/bin/sh
# Called by mmdebstrap with the folder of the new system; makes it one that boots in a container.
set -eu
root=$1

# Each container makes its own identity: an empty machine-id is filled at boot (a missing one
# would also reset which units are enabled).
rm -f "$root"/etc/ssh/ssh_host_*_key "$root"/etc/ssh/ssh_host_*_key.pub
: > "$root"/etc/machine-id
rm -f "$root"/var/lib/dbus/machine-id "$root"/etc/hostname "$root"/etc/resolv.conf
mkdir -p "$root"/etc/systemd/system/ssh.service.d
cat > "$root"/etc/systemd/system/ssh.service.d/host-keys.conf <<'UNIT'
[Service]
ExecStartPre=
ExecStartPre=/usr/bin/ssh-keygen -A
ExecStartPre=/usr/sbin/sshd -t
UNIT

# The new system's own systemctl: the machine that builds may have none.
# Off until someone asks: the server under test must own its machine.
chroot "$root" systemctl --quiet disable ssh.service knot.service
# Without sense in a container, or they would wake up during a measurement.
chroot "$root" systemctl --quiet mask \
    apt-daily-upgrade.timer apt-daily.timer dpkg-db-backup.timer \
    e2scrub_all.timer e2scrub_reap.service fstrim.timer systemd-tmpfiles-clean.timer \
    console-getty.service getty.target systemd-logind.service systemd-pstore.service \
    systemd-remount-fs.service systemd-udevd.service systemd-udevd-control.socket \
    systemd-udevd-kernel.socket systemd-modules-load.service systemd-random-seed.service \
    dev-hugepages.mount sys-fs-fuse-connections.mount sys-kernel-debug.mount \
    sys-kernel-tracing.mount sys-kernel-config.mount
chroot "$root" systemctl --quiet set-default multi-user.target

# With cgroup v2, Docker mounts the container's own cgroup tree read-only; systemd needs to write
# there. Under cgroup v1, and wherever it is writable already, this only hands over.
rm "$root"/sbin/init
cat > "$root"/sbin/init <<'INIT'
#!/bin/sh
if [ -e /sys/fs/cgroup/cgroup.controllers ] && [ ! -w /sys/fs/cgroup/cgroup.procs ]; then
    mount -o remount,rw /sys/fs/cgroup
fi
exec /lib/systemd/systemd "$@"
INIT
chmod 0755 "$root"/sbin/init

# The mirror and the proxy of the machine that built it are nobody else's business.
rm -f "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/* \
    "$root"/etc/apt/apt.conf.d/99mmdebstrap "$root"/etc/dpkg/dpkg.cfg.d/99mmdebstrap
rm -rf "$root"/var/log/apt "$root"/var/log/dpkg.log "$root"/var/log/alternatives.log \
    "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old
