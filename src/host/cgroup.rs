//! What `/proc/PID/cgroup` tells of a process: its systemd unit and its container (cgroups(7)).
//!
//! Container engines have no common mark; their own names for cgroups are what there is. An id is 64
//! hexadecimal digits with Docker, Podman, containerd and CRI-O.

/// The unit and the container, where there is one.
pub(super) fn told(text: &str) -> (Option<String>, Option<String>) {
    let paths: Vec<_> = text.lines().filter_map(path).collect();
    let unit = paths.iter().find(|(is_systemds, _)| *is_systemds).and_then(|(_, path)| unit(path));
    let container = paths.iter().find_map(|(_, path)| path.split('/').rev().find_map(container));
    (unit, container.or_else(|| paths.iter().find_map(|(_, path)| lxc(path))))
}

/// `hierarchy:controllers:path`, and whether systemd keeps that hierarchy: number 0 (version 2), or
/// the one called `name=systemd`.
fn path(line: &str) -> Option<(bool, &str)> {
    let mut parts = line.splitn(3, ':');
    let (number, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
    Some((number == "0" || controllers == "name=systemd", path))
}

/// The innermost unit (systemd.unit(5)); slices only group them.
fn unit(path: &str) -> Option<String> {
    let is_unit = |part: &&str| part.ends_with(".service") || part.ends_with(".scope");
    path.split('/').rev().find(is_unit).map(str::to_owned)
}

fn container(part: &str) -> Option<String> {
    let bare = part.strip_suffix(".scope").unwrap_or(part);
    if let Some(name) = bare.strip_prefix("machine-").filter(|_| bare.len() < part.len()) {
        return Some(format!("machine {}", name.replace("\\x2d", "-")));
    }
    if let Some(name) = bare.strip_prefix("lxc.payload.") {
        return Some(format!("lxc {name}"));
    }
    let (engine, id) = bare.rsplit_once('-').unwrap_or(("", bare));
    let is_id = id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let start = id.get(..12).filter(|_| is_id)?;
    Some(match engine {
        "libpod" | "libpod-conmon" => format!("podman {start}"),
        "cri-containerd" => format!("containerd {start}"),
        "crio" => format!("cri-o {start}"),
        "docker" => format!("docker {start}"),
        _ => format!("container {start}"),
    })
}

/// `/lxc/NAME`, as version 1 has it.
fn lxc(path: &str) -> Option<String> {
    let (_, name) = path.split_once("/lxc/")?;
    name.split('/').next().filter(|name| !name.is_empty()).map(|name| format!("lxc {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3fd1b5f8e0d2a4c6981723640594ab1c2d3e4f5061728394a5b6c7d8e9f00112";

    fn both(text: &str) -> (Option<String>, Option<String>) {
        told(text)
    }

    #[test]
    fn units_and_containers_are_told() {
        let some = |text: &str| Some(text.to_owned());
        for (text, unit, container) in [
            ("0::/system.slice/nginx.service".to_owned(), some("nginx.service"), None),
            (
                "0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.service\n".into(),
                some("app-x.service"),
                None,
            ),
            (
                format!("0::/system.slice/docker-{ID}.scope"),
                some(&format!("docker-{ID}.scope")),
                some("docker 3fd1b5f8e0d2"),
            ),
            (
                format!("12:pids:/docker/{ID}\n1:name=systemd:/docker/{ID}\n"),
                None,
                some("container 3fd1b5f8e0d2"),
            ),
            (
                format!(
                    "0::/kubepods.slice/kubepods-pod9.slice/cri-containerd-{ID}.scope/init.scope"
                ),
                some("init.scope"),
                some("containerd 3fd1b5f8e0d2"),
            ),
            (
                "0::/machine.slice/machine-web\\x2done.scope/payload".to_owned(),
                some("machine-web\\x2done.scope"),
                some("machine web-one"),
            ),
            ("4:cpu:/lxc/db/system.slice\n".to_owned(), None, some("lxc db")),
            ("0::/lxc.payload.db/init.scope".to_owned(), some("init.scope"), some("lxc db")),
        ] {
            assert_eq!(both(&text), (unit, container), "{text}");
        }
    }

    #[test]
    fn what_only_looks_alike_is_neither() {
        for text in [
            "",
            "0::/",
            "nonsense",
            "0::/user.slice",
            "0::/docker/3fd1b5f8e0d2",
            "4:cpu:/lxc/",
            "0::/machine-web",
        ] {
            assert_eq!(both(text), (None, None), "{text}");
        }
        assert_eq!(both(&format!("0::/{}", ID.replace('3', "x"))).1, None);
    }
}
