"""What the instance does by itself at its first boot, as cloud-init's user data.

It gets the host key that the stack knows, some packages, and the datastore's volume. No
service of the recovery starts here: the steps come over SSH, when all this is done.
"""

import yaml

PACKAGES = ("ca-certificates", "iproute2", "libcap2-bin", "procps", "rsync")
MOUNT = "/usr/local/sbin/mount-datastore"

_SCRIPT = """\
#!/bin/sh
# mount-datastore VOLUME FOLDER: mounts the EBS volume there, now and at every boot. A volume
# without a file system gets one; one that has any is never written over.
set -eu
device=/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_$(echo "$1" | tr -d -)
if mountpoint -q "$2"; then exit 0; fi
n=0
while [ ! -e "$device" ]; do
    n=$((n + 1))
    if [ "$n" -gt 300 ]; then echo "$1 was not attached within 5 minutes" >&2; exit 1; fi
    sleep 1
done
if ! blkid "$device" > /dev/null; then mkfs.ext4 -q -L datastore "$device"; fi
mkdir -p "$2"
uuid=$(blkid -s UUID -o value "$device")
grep -q "$uuid" /etc/fstab || echo "UUID=$uuid $2 ext4 defaults,nofail 0 2" >> /etc/fstab
systemctl daemon-reload
mount "$2"
"""


def user_data(host_private_key: str, host_public_key: str, volume: str, datastore: str) -> str:
    """The user data as text; it holds the private host key, so it is a secret itself.

    ``volume``: the EBS volume's id; ``datastore``: where it is mounted. The operator's
    public key is not in it: it comes by the instance's key pair.
    """
    config = {
        "disable_root": False,
        "ssh_pwauth": False,
        "ssh_deletekeys": True,
        "ssh_genkeytypes": ["ed25519"],
        "ssh_keys": {"ed25519_private": host_private_key, "ed25519_public": host_public_key},
        "package_update": True,
        "packages": list(PACKAGES),
        "write_files": [
            {"path": MOUNT, "permissions": "0755", "owner": "root:root", "content": _SCRIPT}
        ],
        "runcmd": [[MOUNT, volume, datastore]],
    }
    return "#cloud-config\n" + yaml.safe_dump(config, sort_keys=False)
