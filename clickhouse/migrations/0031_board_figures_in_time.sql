-- Written with every insert of detections, once a second. They are figures only: a power cut may take the last
-- seconds of them, never of the detections. Waiting for the disk here took more than the counting itself.
ALTER TABLE platestream.traffic MODIFY SETTING fsync_after_insert = 0, fsync_part_directory = 0;
ALTER TABLE platestream.camera_hours MODIFY SETTING fsync_after_insert = 0, fsync_part_directory = 0;
