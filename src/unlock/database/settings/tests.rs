//! Settings as KeeAgent and KeePassXC write them, and as they do not.

use super::*;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

fn document(inside: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-16\"?>\r\n<EntrySettings \
         xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\r\n{inside}\r\n</EntrySettings>"
    )
}

fn parsed(inside: &str) -> Result<Settings, &'static str> {
    Settings::parse(document(inside).as_bytes())
}

#[test]
fn what_keeagent_writes_is_read() {
    let settings = parsed(
        "  <AllowUseOfSshKey>true</AllowUseOfSshKey>\n  <AddAtDatabaseOpen>true</AddAtDatabaseOpen>\n  \
         <RemoveAtDatabaseClose>true</RemoveAtDatabaseClose>\n  \
         <UseConfirmConstraintWhenAdding>true</UseConfirmConstraintWhenAdding>\n  \
         <UseLifetimeConstraintWhenAdding>true</UseLifetimeConstraintWhenAdding>\n  \
         <LifetimeConstraintDuration>90</LifetimeConstraintDuration>\n  \
         <UseDestinationConstraintWhenAdding>false</UseDestinationConstraintWhenAdding>\n  \
         <DestinationConstraints />\n  <Future><Deep a=\"1\">x</Deep></Future>\n  <Location>\n    \
         <SelectedType>attachment</SelectedType>\n    <AttachmentName>id ü</AttachmentName>\n    \
         <SaveAttachmentToTempFile>true</SaveAttachmentToTempFile>\n    <FileName />\n  </Location>",
    );
    let expected = Settings {
        allowed: true,
        at_opening: true,
        confirm: true,
        lifetime: Some(Duration::from_secs(90)),
        destinations: Vec::new(),
        location: Some(Location::Attachment("id ü".into())),
    };
    assert_eq!(parsed_ok(settings), expected);
}

fn parsed_ok(settings: Result<Settings, &'static str>) -> Settings {
    settings.unwrap()
}

#[test]
fn what_is_missing_has_keeagents_defaults() {
    let settings = parsed("").unwrap();
    assert!(!settings.allowed && settings.at_opening && !settings.confirm);
    assert_eq!((settings.lifetime, settings.location), (None, None));
    let lifetime = parsed("<UseLifetimeConstraintWhenAdding>True</UseLifetimeConstraintWhenAdding>");
    assert_eq!(lifetime.unwrap().lifetime, Some(Duration::from_secs(600)));
}

#[test]
fn a_location_is_a_selected_type_with_a_name() {
    let location = |inside: &str| {
        parsed(&format!("<Location>{inside}</Location>"))
            .unwrap()
            .location
    };
    let names = "<AttachmentName>a</AttachmentName><FileName>~/k &amp; l</FileName>";
    for (selected, expected) in [
        (
            "<SelectedType>file</SelectedType>",
            Some(Location::File("~/k & l".into())),
        ),
        (
            "<SelectedType> attachment </SelectedType>",
            Some(Location::Attachment("a".into())),
        ),
        ("<SelectedType xsi:nil=\"true\" />", None),
        ("", None),
    ] {
        assert_eq!(location(&format!("{selected}{names}")), expected, "{selected}");
    }
    assert_eq!(location("<SelectedType>file</SelectedType><FileName/>"), None);
}

#[test]
fn destinations_are_read_or_the_entry_is_refused() {
    let list = |inside: &str| {
        parsed(&format!(
            "<UseDestinationConstraintWhenAdding>true</UseDestinationConstraintWhenAdding>\
             <DestinationConstraints>{inside}</DestinationConstraints>"
        ))
    };
    let keys = |name: &str, ca: bool| {
        format!("<{name}><KeySpec><HostKey>{KEY}</HostKey><IsCA>{ca}</IsCA></KeySpec></{name}>")
    };
    let local = format!(
        "<Constraint><FromHost /><FromHostKeys /><ToUser>u</ToUser><ToHost>h</ToHost>{}</Constraint>",
        keys("ToHostKeys", false)
    );
    let hop = format!(
        "<Constraint><FromHost>h</FromHost>{}<ToHost>i</ToHost>{}</Constraint>",
        keys("FromHostKeys", false),
        keys("ToHostKeys", true)
    );
    let read = list(&format!("{local}\n{hop}")).unwrap().destinations;
    assert_eq!(
        (read[0].to.user.as_slice(), read[0].to.host.as_slice()),
        (&b"u"[..], &b"h"[..])
    );
    assert!(read[0].from.keys.is_empty() && !read[0].to.keys[0].1 && read[1].to.keys[0].1);
    for wrong in ["", "<Constraint/>", "<Constraint><ToHost>h</ToHost></Constraint>"] {
        assert!(list(wrong).is_err(), "{wrong}");
    }
    assert!(list(&local.replace("AAAAC3", "BBBBC3")).is_err());
    assert!(list(&local.replace("<FromHost />", "<FromHost>x</FromHost>")).is_err());
}

#[test]
fn what_is_not_keeagents_xml_is_an_error() {
    for text in [
        "",
        "AllowUseOfSshKey",
        "<EntrySettings>",
        "<EntrySettings><AllowUseOfSshKey>true</EntrySettings>",
        "<Other><AllowUseOfSshKey>true</AllowUseOfSshKey></Other>",
        "<EntrySettings><UseLifetimeConstraintWhenAdding>true</UseLifetimeConstraintWhenAdding>\
         <LifetimeConstraintDuration>soon</LifetimeConstraintDuration></EntrySettings>",
    ] {
        assert!(Settings::parse(text.as_bytes()).is_err(), "{text}");
    }
    assert!(Settings::parse(&vec![b' '; MAX_BYTES + 1]).is_err());
}

#[test]
fn a_database_says_whether_expired_entries_count() {
    let flag = |value: &str| {
        format!(
            "<DatabaseSettings><AllowAutoLoadExpiredEntryKey>{value}</AllowAutoLoadExpiredEntryKey></DatabaseSettings>"
        )
    };
    assert!(allows_expired(flag("true").as_bytes()));
    assert!(!allows_expired(flag("false").as_bytes()) && !allows_expired(b"<x") && !allows_expired(b""));
}

#[test]
fn settings_cut_or_flipped_anywhere_are_settings_or_an_error() {
    let text = "<EntrySettings><AllowUseOfSshKey>true</AllowUseOfSshKey><AddAtDatabaseOpen>true</AddAtDatabaseOpen>\
                <Location><SelectedType>attachment</SelectedType><AttachmentName>id</AttachmentName></Location>\
                </EntrySettings>";
    assert!(Settings::parse(text.as_bytes()).is_ok_and(|settings| settings.allowed));
    for at in 0..text.len() {
        assert!(Settings::parse(&text.as_bytes()[..at]).is_err(), "cut at {at}");
        for bit in 0..8 {
            let mut flipped = text.as_bytes().to_vec();
            flipped[at] ^= 1 << bit;
            let _ = Settings::parse(&flipped);
        }
    }
}
