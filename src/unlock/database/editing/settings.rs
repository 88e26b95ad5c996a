//! KeeAgent's settings as KeeAgent writes them, so that KeePassXC reads them too.
//!
//! UTF-16LE without a mark, as both write it. Each element stands in a line of its own and the empty ones behind those with a
//! text: KeePassXC's reader takes what directly follows an empty element for its end.
//!
//! Settings that an entry has already stay as they are but for which attachment is the key, and for terms that are asked for.

use super::merge;
use crate::unlock::database::settings::{Location, Settings};
use crate::unlock::database::text::{Encoding, decoded_as};
use std::time::Duration;

/// How an agent may use the key.
#[derive(Clone, Copy, Default)]
pub(super) struct Terms {
    /// Asked at each use.
    pub(super) confirm: bool,
    /// Leaves the agent after that.
    pub(super) lifetime: Option<Duration>,
}

/// What both programs take where no lifetime is set, in seconds.
const USUAL_LIFETIME: u64 = 600;

/// Settings for a key in the attachment `name`.
pub(super) fn of_attachment(name: &str, terms: Terms) -> Vec<u8> {
    let name = quick_xml::escape::escape(name);
    let Terms { confirm, lifetime } = terms;
    let seconds = lifetime.map_or(USUAL_LIFETIME, |time| time.as_secs());
    let lifetime = lifetime.is_some();
    let xml = format!(
        r#"<?xml version="1.0" encoding="utf-16"?>
<EntrySettings xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <AllowUseOfSshKey>true</AllowUseOfSshKey>
  <AddAtDatabaseOpen>true</AddAtDatabaseOpen>
  <RemoveAtDatabaseClose>true</RemoveAtDatabaseClose>
  <UseConfirmConstraintWhenAdding>{confirm}</UseConfirmConstraintWhenAdding>
  <UseLifetimeConstraintWhenAdding>{lifetime}</UseLifetimeConstraintWhenAdding>
  <LifetimeConstraintDuration>{seconds}</LifetimeConstraintDuration>
  <UseDestinationConstraintWhenAdding>false</UseDestinationConstraintWhenAdding>
  <DestinationConstraints />
  <Location>
    <SelectedType>attachment</SelectedType>
    <AttachmentName>{name}</AttachmentName>
    <SaveAttachmentToTempFile>false</SaveAttachmentToTempFile>
    <FileName />
  </Location>
</EntrySettings>
"#
    );
    Encoding::KEEAGENT.encoded(&xml)
}

/// `old` with the key in the attachment `name`, and with `terms` where they say more; all else stays, in its encoding too.
///
/// # Errors
/// They are not read, or hold something that would get lost; in words for the person.
pub(super) fn kept(old: &[u8], name: &str, terms: Terms) -> Result<Vec<u8>, &'static str> {
    const UNKEPT: &str = "KeeAgent.settings holds what would get lost";
    let mut wanted = Settings::parse(old)?;
    let (mut text, encoding) = decoded_as(old).ok_or(UNKEPT)?;
    let mut set = |path: &[&str], value: &str| -> Result<(), &'static str> {
        let path = [&["EntrySettings"], path].concat();
        text = merge::with(&text, &path, value).ok_or(UNKEPT)?;
        Ok(())
    };
    let location = Location::Attachment(name.to_owned());
    if wanted.location.as_ref() != Some(&location) {
        set(&["Location", "SelectedType"], "attachment")?;
        set(&["Location", "AttachmentName"], name)?;
        wanted.location = Some(location);
    }
    if terms.confirm && !wanted.confirm {
        set(&["UseConfirmConstraintWhenAdding"], "true")?;
        wanted.confirm = true;
    }
    if terms.lifetime.is_some() && terms.lifetime != wanted.lifetime {
        let seconds = terms.lifetime.unwrap_or_default().as_secs();
        set(&["UseLifetimeConstraintWhenAdding"], "true")?;
        set(&["LifetimeConstraintDuration"], &seconds.to_string())?;
        wanted.lifetime = terms.lifetime;
    }
    let new = encoding.encoded(&text);
    match Settings::parse(&new) {
        Ok(read) if read == wanted => Ok(new),
        _ => Err(UNKEPT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Terms = Terms {
        confirm: false,
        lifetime: None,
    };

    /// As KeeAgent writes them, with what it may write one day.
    const OLD: &str = "<?xml version=\"1.0\" encoding=\"utf-16\"?>\r\n<EntrySettings xmlns:xsi=\"x\" new=\"1\">\r\n  \
        <AllowUseOfSshKey>true</AllowUseOfSshKey>\r\n  <!-- mine -->\r\n  \
        <UseConfirmConstraintWhenAdding>true</UseConfirmConstraintWhenAdding>\r\n  \
        <UseLifetimeConstraintWhenAdding>true</UseLifetimeConstraintWhenAdding>\r\n  \
        <LifetimeConstraintDuration>90</LifetimeConstraintDuration>\r\n  <UseCertificate a='b'>x</UseCertificate>\r\n  \
        <Location>\r\n    <SelectedType xsi:nil=\"true\" />\r\n    <AttachmentName />\r\n    \
        <SaveAttachmentToTempFile>true</SaveAttachmentToTempFile>\r\n    <FileName>/a</FileName>\r\n  </Location>\r\n\
        </EntrySettings>";

    #[test]
    fn settings_that_are_there_stay_but_for_the_key() {
        let new = OLD
            .replace(
                "<SelectedType xsi:nil=\"true\" />",
                "<SelectedType>attachment</SelectedType>",
            )
            .replace("<AttachmentName />", "<AttachmentName>a &amp; b</AttachmentName>");
        for start in [
            &b""[..],
            b"\xef\xbb\xbf",
            b"\xff\xfe",
            b"\xfe\xff",
            b"<\0",
            b"\0<",
        ] {
            let (_, encoding) = decoded_as(start).unwrap();
            let kept = kept(&encoding.encoded(OLD), "a & b", NONE);
            assert_eq!(kept.unwrap(), encoding.encoded(&new), "{start:x?}");
        }
        assert_eq!(kept(new.as_bytes(), "a & b", NONE).unwrap(), new.as_bytes());
    }

    #[test]
    fn terms_that_are_asked_for_are_added() {
        let lifetime = Some(Duration::from_secs(60));
        let terms = Terms {
            confirm: true,
            lifetime,
        };
        let old = b"<EntrySettings><AllowUseOfSshKey>true</AllowUseOfSshKey></EntrySettings>";
        let read = Settings::parse(&kept(old, "id", terms).unwrap()).unwrap();
        assert!(read.allowed && read.confirm);
        assert_eq!(read.lifetime, lifetime);
        let read = Settings::parse(&kept(OLD.as_bytes(), "id", terms).unwrap()).unwrap();
        assert_eq!((read.confirm, read.lifetime), (true, lifetime));
    }

    #[test]
    fn settings_that_cannot_be_kept_are_refused() {
        let commented = OLD.replace(
            "<AttachmentName />",
            "<AttachmentName><!-- why --></AttachmentName>",
        );
        for old in ["<Other/>", "<EntrySettings>", commented.as_str()] {
            assert!(kept(old.as_bytes(), "id", NONE).is_err(), "{old}");
        }
    }

    #[test]
    fn what_is_written_is_read_back_as_it_was_meant() {
        for (confirm, lifetime) in [(false, None), (true, Some(90)), (false, Some(600))] {
            let lifetime = lifetime.map(Duration::from_secs);
            let bytes = of_attachment("a & <b>", Terms { confirm, lifetime });
            let settings = Settings::parse(&bytes).unwrap();
            assert!(settings.allowed && settings.at_opening);
            assert_eq!((settings.confirm, settings.lifetime), (confirm, lifetime));
            assert!(settings.destinations.is_empty());
            assert_eq!(
                settings.location,
                Some(Location::Attachment("a & <b>".to_owned()))
            );
        }
    }
}
