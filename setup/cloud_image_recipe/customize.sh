#!/bin/sh
# Called by mmdebstrap after the base image's own customize.sh; makes it boot like a cloud image.
set -eu
root=$1

# sshd runs from the first boot on, as in Debian's cloud image; cloud-init brings its host key.
chroot "$root" systemctl --quiet enable ssh.service
rm -rf "$root"/etc/systemd/system/ssh.service.d "$root"/var/lib/cloud

cat > "$root"/etc/cloud/cloud.cfg.d/90-container.cfg <<'CONFIG'
# The seed lies in the container; its network and its package sources are the engine's business.
datasource_list: [NoCloud, None]
network: {config: disabled}
apt: {preserve_sources_list: true}
locale: C.UTF-8
CONFIG

# A container has no block devices of its own. A volume is a file, and this finds it by the UUID
# in /etc/fstab, as the kernel would find the device; its file system and its mount are real.
cat > "$root"/usr/local/sbin/mount <<'MOUNT'
#!/bin/sh
if [ $# = 1 ]; then
    uuid=$(awk -v folder="$1" '$2 == folder { sub("UUID=", "", $1); print $1 }' /etc/fstab)
    for volume in /var/lib/ebs/*; do
        if [ -n "$uuid" ] && [ "$(blkid -s UUID -o value "$volume")" = "$uuid" ]; then
            exec /bin/mount -o loop "$volume" "$1"
        fi
    done
fi
exec /bin/mount "$@"
MOUNT
chmod 0755 "$root"/usr/local/sbin/mount
