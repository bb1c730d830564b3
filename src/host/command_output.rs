//! What Windows' own commands print, read: pure functions, so that they are tested everywhere.
//!
//! Words are translated with the system, so only what is not is relied on: the CSV of `tasklist`, the
//! registry's names, and URLs.

use std::collections::BTreeMap;

/// A port that the system forwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Forward {
    pub(super) port: u16,
    /// The target, as the registry writes it.
    pub(super) to: String,
}

/// A URL that an application has asked http.sys to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HttpUrl {
    pub(super) port: u16,
    pub(super) url: String,
}

/// `tasklist /svc /fo csv /nh`: name, PID and services, each in quotes, services apart by commas.
pub(super) fn services(text: &str) -> BTreeMap<u32, Vec<String>> {
    let row = |line: &str| {
        let mut fields = line.trim().strip_prefix('"')?.strip_suffix('"')?.split("\",\"");
        let (_, pid, services) = (fields.next()?, fields.next()?, fields.next()?);
        let services: Vec<_> = services.split(',').map(|name| name.trim().to_owned()).collect();
        // "N/A", in whatever language, holds what no service's name does.
        let are_names = services.iter().all(|name| !name.is_empty() && !name.contains('/'));
        are_names.then_some((pid.parse().ok()?, services))
    };
    text.lines().filter_map(row).collect()
}

/// `reg query ... /s` over the key of portproxy.
pub(super) fn forwards(text: &str) -> Vec<Forward> {
    let row = |line: &str| {
        let (from, to) = line.split_once("REG_SZ")?;
        let port = from.trim().rsplit_once('/')?.1.parse().ok()?;
        let (address, target) = to.trim().rsplit_once('/')?;
        let to = if address.contains(':') {
            format!("[{address}]:{target}")
        } else {
            format!("{address}:{target}")
        };
        Some(Forward { port, to })
    };
    text.lines().filter_map(row).collect()
}

/// `netsh http show servicestate`: URLs stand alone in their lines, as `HTTP://+:3243:/PATH/` or
/// `HTTP://HOST:PORT/PATH/`.
pub(super) fn http_urls(text: &str) -> Vec<HttpUrl> {
    let row = |line: &str| {
        let url = line.trim();
        let lower = url.to_ascii_lowercase();
        let rest = lower.strip_prefix("http://").or_else(|| lower.strip_prefix("https://"))?;
        let authority = rest.split('/').next()?.trim_end_matches(':');
        let port = authority.split(':').find_map(|part| part.parse().ok())?;
        Some(HttpUrl { port, url: url.to_owned() })
    };
    let mut urls: Vec<_> = text.lines().filter_map(row).collect();
    urls.dedup();
    urls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_share_a_process() {
        let text = "\"System\",\"4\",\"N/A\"\r\n\"svchost.exe\",\"912\",\"RpcEptMapper,RpcSs\"\r\n\
                    \"sqlservr.exe\",\"1044\",\"MSSQL$SITE\"\r\n\nINFO: no tasks\r\n\"x\",\"y\",\"z\"\r\n";
        let services = services(text);
        assert_eq!(services.len(), 2);
        assert_eq!(services[&912], ["RpcEptMapper", "RpcSs"]);
        assert_eq!(services[&1044], ["MSSQL$SITE"]);
    }

    #[test]
    fn forwarded_ports_are_read() {
        let text = "\r\nHKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\PortProxy\\v4tov4\\tcp\r\n    \
                    0.0.0.0/3243    REG_SZ    10.0.0.9/22\r\n    */3250    REG_SZ    fd00::9/80\r\n    \
                    broken    REG_SZ    10.0.0.9/22\r\n";
        let to = |port, to: &str| Forward { port, to: to.to_owned() };
        assert_eq!(forwards(text), [to(3243, "10.0.0.9:22"), to(3250, "[fd00::9]:80")]);
    }

    #[test]
    fn urls_of_http_sys_are_read() {
        let text = "Registered URLs:\r\n    HTTP://+:3243:/CITRIX/\r\n    HTTPS://HOST.EXAMPLE:3244/A/\r\n    \
                    HTTP://NO-PORT/\r\n    Version: 2.0\r\n";
        let url = |port, url: &str| HttpUrl { port, url: url.to_owned() };
        assert_eq!(
            http_urls(text),
            [url(3243, "HTTP://+:3243:/CITRIX/"), url(3244, "HTTPS://HOST.EXAMPLE:3244/A/")]
        );
    }
}
