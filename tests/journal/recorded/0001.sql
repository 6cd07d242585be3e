BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE bodies (
	digest VARCHAR(64) NOT NULL, 
	kind VARCHAR(32) NOT NULL, 
	body BLOB NOT NULL, 
	PRIMARY KEY (digest)
);
INSERT INTO "bodies" VALUES('8397ff76bc88c5dea8f0e5ed04ae16b6470b89df144b83d56e77f957e8a3038b','state',X'789CAB564AAA54B25232304AB330364F4956D2514A49CD03896829D502006ED9078F');
INSERT INTO "bodies" VALUES('464cba26343dd9753a591ea1b52d52a1e59b20699b9003eabb60442505db416e','state',X'789CAB56CACF53B2527249CDABD4F532304AB330364F4956AA0500525606D0');
INSERT INTO "bodies" VALUES('ba8064d3b9b1d30b9b71f26428100a2b426a96f9d1f5dc57e75abc2f64c5ef69','state',X'789CAB560A2E492C292D56B252CACF53AA050029EA051C');
INSERT INTO "bodies" VALUES('2630621918a91f9f224332931192321c7c0bbc029b5ea619fb74793e370d7cd3','state',X'789CAB560A2E492C292D56B252CA4F4B53AA05002F79057A');
INSERT INTO "bodies" VALUES('0c13776a6357ef9a0c5fcb6658b9adc64af7675d8a40e2fc6c35ed4f2ddabb8c','document',X'789CAB56500A2E492C49CD4DCD2B51B2528856A8560ACE4C01B2947C1293946A1562156A01C5E50A8D');
INSERT INTO "bodies" VALUES('7e5f567b748eefde8595c0d5da47443507e2cfb9d87bb47079131f2858a47fe9','state',X'789CAB56724D4B4B4D2E51B2527249CDAB54D2510ACE4C0172824BF20B7232F352BD0C8CD22C8CCD5392030C2020D13119A8BA1600EACF10EB');
INSERT INTO "bodies" VALUES('41f9d7a9c98e2e13c81fe564bd079646cbda2ada3284e905169cf8744d7ce946','state',X'789CAB56724D4B4B4D2E51B2527249CDAB54D2510ACE4C0172824BF20B7232F352BD0C8CD22C8CCD5392030C2020D1BF3C4FA91600DA5210A4');
INSERT INTO "bodies" VALUES('856285a559708df5d3446485bfd605dc5e11de7cca1911824dba0f044a5e30be','state',X'789CAB560ACE4C51B2520A2EC92FC8C9CC4BF532304AB330364F490E30808044A55A00D0180AA5');
INSERT INTO "bodies" VALUES('3730b4b96586938caebcae5877e4220eaa851cbc4f0e308b3f2906c567e3af72','state',X'789CAB564A4A4DCB2F4A55B25232323032D73530D435340D31B0B0323000A228A55A0099440864');
INSERT INTO "bodies" VALUES('1619e77ce9f5044f3a4e2b8dd95defcb0a5156dc1cae7aadc000e1081ce34b79','state',X'789CAB564A4A4DCB2F4A55B25232323032D73530D435340D31B0B03230B032308C52AA050099480865');
CREATE TABLE events (
	seq INTEGER NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	pause VARCHAR(16) NOT NULL, 
	kind VARCHAR(32) NOT NULL, 
	actor TEXT NOT NULL, 
	data TEXT NOT NULL, 
	previous VARCHAR(64) NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	PRIMARY KEY (seq)
);
INSERT INTO "events" VALUES(1,'2027-01-15T08:00:00.000Z','0000000a','opened','alice','{"closed_at":"","frozen":"","id":"0000000a","opened_at":"2027-01-15T08:00:00.000Z","plan":"","reason":"breach","requester":"alice","scope":"{\"addresses\":[],\"connectors\":[],\"principals\":[],\"project\":\"\",\"realms\":[]}","status":"containing","vendor":"mercor","words":{},"workflow":"w"}','0000000000000000000000000000000000000000000000000000000000000000','c5f8c7bdaa1299299182ac30139ed637ee1720b0cb8cbf8560d23a33ef0e5c34');
INSERT INTO "events" VALUES(2,'2027-01-15T08:00:00.000Z','0000000a','intent','stopline','{"attempt":"attempt-1","changes":[{"address":"memory:r1:foundation:Deny-J02f837dc","after":"8397ff76bc88c5dea8f0e5ed04ae16b6470b89df144b83d56e77f957e8a3038b","found":""}],"direction":"contain","document":"memory:r1:foundation:Deny-J02f837dc","raw":""}','c5f8c7bdaa1299299182ac30139ed637ee1720b0cb8cbf8560d23a33ef0e5c34','2447a36c69ba3b725ed722fbbd9d7abde9993238a70106a27fad821e772158d4');
INSERT INTO "events" VALUES(3,'2027-01-15T08:00:00.000Z','0000000a','receipts','stopline','{"attempt":"attempt-1","direction":"contain","receipts":[{"address":"memory:r1:foundation:Deny-J02f837dc","after":"8397ff76bc88c5dea8f0e5ed04ae16b6470b89df144b83d56e77f957e8a3038b","before":"","cause":"","detail":"","found":"","held":true,"outcome":"applied","principal":"Deny-J02f837dc"}]}','2447a36c69ba3b725ed722fbbd9d7abde9993238a70106a27fad821e772158d4','12355c29d60f7b7ed40483ab6de464c0c026b423567b300c78c5ea3baa8f18c2');
INSERT INTO "events" VALUES(4,'2027-01-15T08:00:00.000Z','0000000a','intent','stopline','{"attempt":"attempt-2","changes":[{"address":"memory:r1:attachment:v0#Deny-J02f837dc","after":"464cba26343dd9753a591ea1b52d52a1e59b20699b9003eabb60442505db416e","found":""}],"direction":"contain","document":"memory:r1:attachment:v0","raw":""}','12355c29d60f7b7ed40483ab6de464c0c026b423567b300c78c5ea3baa8f18c2','fdca53118c00868030c23251e9be7bb1382a2ac862b8e1e8097f5eaf87bad240');
INSERT INTO "events" VALUES(5,'2027-01-15T08:00:00.000Z','0000000a','receipts','stopline','{"attempt":"attempt-2","direction":"contain","receipts":[{"address":"memory:r1:attachment:v0#Deny-J02f837dc","after":"464cba26343dd9753a591ea1b52d52a1e59b20699b9003eabb60442505db416e","before":"","cause":"","detail":"","found":"","held":true,"outcome":"applied","principal":"v0"}]}','fdca53118c00868030c23251e9be7bb1382a2ac862b8e1e8097f5eaf87bad240','0b933346058f3f33eb5db1b5bb893a4b7e480e06c5f15b2b69279d2bcd0f2a36');
INSERT INTO "events" VALUES(6,'2027-01-15T08:00:00.000Z','0000000a','intent','stopline','{"attempt":"attempt-2","changes":[{"address":"memory:r1:attachment:v1#Deny-J02f837dc","after":"464cba26343dd9753a591ea1b52d52a1e59b20699b9003eabb60442505db416e","found":""}],"direction":"contain","document":"memory:r1:attachment:v1","raw":""}','0b933346058f3f33eb5db1b5bb893a4b7e480e06c5f15b2b69279d2bcd0f2a36','17c533ea2077897a0af81197a4688bd840fd287305d1d32d763feaaaae9e6770');
INSERT INTO "events" VALUES(7,'2027-01-15T08:00:00.000Z','0000000a','receipts','stopline','{"attempt":"attempt-2","direction":"contain","receipts":[{"address":"memory:r1:attachment:v1#Deny-J02f837dc","after":"464cba26343dd9753a591ea1b52d52a1e59b20699b9003eabb60442505db416e","before":"","cause":"","detail":"","found":"","held":true,"outcome":"applied","principal":"v1"}]}','17c533ea2077897a0af81197a4688bd840fd287305d1d32d763feaaaae9e6770','25dacc62379507c84b22cfaa16ad5f7113362e22797f5230725dd1c3826b5b9c');
INSERT INTO "events" VALUES(8,'2027-01-15T08:00:00.000Z','0000000a','intent','stopline','{"attempt":"attempt-3","changes":[{"address":"memory:r1:switch:v0/one","after":"2630621918a91f9f224332931192321c7c0bbc029b5ea619fb74793e370d7cd3","found":"ba8064d3b9b1d30b9b71f26428100a2b426a96f9d1f5dc57e75abc2f64c5ef69"}],"direction":"contain","document":"memory:r1:switch:v0/one","raw":""}','25dacc62379507c84b22cfaa16ad5f7113362e22797f5230725dd1c3826b5b9c','327c3524ffb0294c35cb8175d344145aca33734b2f2bef11a0a273801f75e640');
INSERT INTO "events" VALUES(9,'2027-01-15T08:00:00.000Z','0000000a','receipts','stopline','{"attempt":"attempt-3","direction":"contain","receipts":[{"address":"memory:r1:switch:v0/one","after":"2630621918a91f9f224332931192321c7c0bbc029b5ea619fb74793e370d7cd3","before":"ba8064d3b9b1d30b9b71f26428100a2b426a96f9d1f5dc57e75abc2f64c5ef69","cause":"","detail":"","found":"ba8064d3b9b1d30b9b71f26428100a2b426a96f9d1f5dc57e75abc2f64c5ef69","held":true,"outcome":"applied","principal":"v0"}]}','327c3524ffb0294c35cb8175d344145aca33734b2f2bef11a0a273801f75e640','cdf88506ec6135e5c3508768bd77b55e4e1e97f72bcd27858337ec27a41ceb96');
INSERT INTO "events" VALUES(10,'2027-01-15T08:00:00.000Z','0000000a','intent','stopline','{"attempt":"attempt-3","changes":[{"address":"memory:r1:switch:v1/one","after":"2630621918a91f9f224332931192321c7c0bbc029b5ea619fb74793e370d7cd3","found":"ba8064d3b9b1d30b9b71f26428100a2b426a96f9d1f5dc57e75abc2f64c5ef69"}],"direction":"contain","document":"memory:r1:switch:v1/one","raw":""}','cdf88506ec6135e5c3508768bd77b55e4e1e97f72bcd27858337ec27a41ceb96','00ed379d1f3c4ba651d245290478ee0a2faf8ba40f2b9219133981b8d683fdf4');
INSERT INTO "events" VALUES(11,'2027-01-15T08:00:00.000Z','0000000a','receipts','stopline','{"attempt":"attempt-3","direction":"contain","receipts":[{"address":"memory:r1:switch:v1/one","after":"2630621918a91f9f224332931192321c7c0bbc029b5ea619fb74793e370d7cd3","before":"ba8064d3b9b1d30b9b71f26428100a2b426a96f9d1f5dc57e75abc2f64c5ef69","cause":"","detail":"","found":"ba8064d3b9b1d30b9b71f26428100a2b426a96f9d1f5dc57e75abc2f64c5ef69","held":true,"outcome":"applied","principal":"v1"}]}','00ed379d1f3c4ba651d245290478ee0a2faf8ba40f2b9219133981b8d683fdf4','f0f783c7a6dfeadd0e68b60c82b42b12446b05f845d728afd7284ad7be5a4412');
INSERT INTO "events" VALUES(12,'2027-01-15T08:00:00.000Z','0000000a','intent','stopline','{"attempt":"attempt-4","changes":[{"address":"memory:r1:statement:data#StoplineJ02f837dcP0000000aAcct","after":"7e5f567b748eefde8595c0d5da47443507e2cfb9d87bb47079131f2858a47fe9","found":""},{"address":"memory:r1:statement:data#StoplineJ02f837dcP0000000aOwn","after":"41f9d7a9c98e2e13c81fe564bd079646cbda2ada3284e905169cf8744d7ce946","found":""}],"direction":"contain","document":"memory:r1:statement:data","raw":"0c13776a6357ef9a0c5fcb6658b9adc64af7675d8a40e2fc6c35ed4f2ddabb8c"}','f0f783c7a6dfeadd0e68b60c82b42b12446b05f845d728afd7284ad7be5a4412','1c629188692401e24b62bc5cc1df3c890b5354bb57b6bf897c5d9293cb2755a4');
INSERT INTO "events" VALUES(13,'2027-01-15T08:00:00.000Z','0000000a','receipts','stopline','{"attempt":"attempt-4","direction":"contain","receipts":[{"address":"memory:r1:statement:data#StoplineJ02f837dcP0000000aAcct","after":"7e5f567b748eefde8595c0d5da47443507e2cfb9d87bb47079131f2858a47fe9","before":"","cause":"","detail":"","found":"","held":true,"outcome":"applied","principal":"data"},{"address":"memory:r1:statement:data#StoplineJ02f837dcP0000000aOwn","after":"41f9d7a9c98e2e13c81fe564bd079646cbda2ada3284e905169cf8744d7ce946","before":"","cause":"","detail":"","found":"","held":true,"outcome":"applied","principal":"data"}]}','1c629188692401e24b62bc5cc1df3c890b5354bb57b6bf897c5d9293cb2755a4','f275bdd0e5d40a20c96b8929a5fa8f56a872a38882f500fa00286752046dde43');
INSERT INTO "events" VALUES(14,'2027-01-15T08:00:00.000Z','0000000a','intent','stopline','{"attempt":"attempt-4","changes":[{"address":"memory:r1:statement:empty#StoplineJ02f837dcP0000000aAcct","after":"7e5f567b748eefde8595c0d5da47443507e2cfb9d87bb47079131f2858a47fe9","found":""},{"address":"memory:r1:statement:empty#StoplineJ02f837dcP0000000aOwn","after":"41f9d7a9c98e2e13c81fe564bd079646cbda2ada3284e905169cf8744d7ce946","found":""}],"direction":"contain","document":"memory:r1:statement:empty","raw":""}','f275bdd0e5d40a20c96b8929a5fa8f56a872a38882f500fa00286752046dde43','868cb7c32e5d68b515f21e5634dc09e3216acf48d4ce440c46105d12a9a16bf2');
INSERT INTO "events" VALUES(15,'2027-01-15T08:00:00.000Z','0000000a','receipts','stopline','{"attempt":"attempt-4","direction":"contain","receipts":[{"address":"memory:r1:statement:empty#StoplineJ02f837dcP0000000aAcct","after":"7e5f567b748eefde8595c0d5da47443507e2cfb9d87bb47079131f2858a47fe9","before":"","cause":"","detail":"","found":"","held":true,"outcome":"applied","principal":"empty"},{"address":"memory:r1:statement:empty#StoplineJ02f837dcP0000000aOwn","after":"41f9d7a9c98e2e13c81fe564bd079646cbda2ada3284e905169cf8744d7ce946","before":"","cause":"","detail":"","found":"","held":true,"outcome":"applied","principal":"empty"}]}','868cb7c32e5d68b515f21e5634dc09e3216acf48d4ce440c46105d12a9a16bf2','a67da2ef1c84e3fbe86b141ebab0aca89f4abc6dde098717af025de2c79ee464');
INSERT INTO "events" VALUES(16,'2027-01-15T08:00:00.000Z','0000000a','intent','stopline','{"attempt":"attempt-5","changes":[{"address":"memory:r1:door:shared#StoplineJ02f837dcP0000000a","after":"856285a559708df5d3446485bfd605dc5e11de7cca1911824dba0f044a5e30be","found":""}],"direction":"contain","document":"memory:r1:door:shared","raw":""}','a67da2ef1c84e3fbe86b141ebab0aca89f4abc6dde098717af025de2c79ee464','1c2a40ea8286d896755b60e906a171d79759a4d7bfb3c6356905f3aa7fc153a7');
INSERT INTO "events" VALUES(17,'2027-01-15T08:00:00.000Z','0000000a','receipts','stopline','{"attempt":"attempt-5","direction":"contain","receipts":[{"address":"memory:r1:door:shared#StoplineJ02f837dcP0000000a","after":"856285a559708df5d3446485bfd605dc5e11de7cca1911824dba0f044a5e30be","before":"","cause":"","detail":"","found":"","held":true,"outcome":"applied","principal":"shared"}]}','1c2a40ea8286d896755b60e906a171d79759a4d7bfb3c6356905f3aa7fc153a7','3094546274aa9efe6f6e3a6bec3a5ac4ddc0281f256c828e0b3c9778e10fa17a');
INSERT INTO "events" VALUES(18,'2027-01-15T08:00:00.000Z','0000000a','intent','stopline','{"attempt":"attempt-6","changes":[{"address":"memory:r1:cut:shared/StoplineJ02f837dcP0000000a","after":"3730b4b96586938caebcae5877e4220eaa851cbc4f0e308b3f2906c567e3af72","found":""}],"direction":"contain","document":"memory:r1:cut:shared/StoplineJ02f837dcP0000000a","raw":""}','3094546274aa9efe6f6e3a6bec3a5ac4ddc0281f256c828e0b3c9778e10fa17a','fe38c2013a89b2095c976bdeac68bf4968b133ac4248b8573a591d3f06bcf0c4');
INSERT INTO "events" VALUES(19,'2027-01-15T08:00:00.000Z','0000000a','receipts','stopline','{"attempt":"attempt-6","direction":"contain","receipts":[{"address":"memory:r1:cut:shared/StoplineJ02f837dcP0000000a","after":"3730b4b96586938caebcae5877e4220eaa851cbc4f0e308b3f2906c567e3af72","before":"","cause":"","detail":"","found":"","held":true,"outcome":"applied","principal":"shared"}]}','fe38c2013a89b2095c976bdeac68bf4968b133ac4248b8573a591d3f06bcf0c4','805095437eba1cf70cf511910a2a354df753d62e15e5384321eb05d3130ad3bc');
INSERT INTO "events" VALUES(20,'2027-01-15T08:01:00.000Z','0000000a','intent','stopline','{"attempt":"attempt-7","changes":[{"address":"memory:r1:cut:shared/StoplineJ02f837dcP0000000a","after":"1619e77ce9f5044f3a4e2b8dd95defcb0a5156dc1cae7aadc000e1081ce34b79","found":"3730b4b96586938caebcae5877e4220eaa851cbc4f0e308b3f2906c567e3af72"}],"direction":"contain","document":"memory:r1:cut:shared/StoplineJ02f837dcP0000000a","raw":""}','805095437eba1cf70cf511910a2a354df753d62e15e5384321eb05d3130ad3bc','43b4c4b0cedc9827a8f79e4808fa8c1180521aa65079a9015bf6ad99a55de94c');
INSERT INTO "events" VALUES(21,'2027-01-15T08:01:00.000Z','0000000a','receipts','stopline','{"attempt":"attempt-7","direction":"contain","receipts":[{"address":"memory:r1:cut:shared/StoplineJ02f837dcP0000000a","after":"1619e77ce9f5044f3a4e2b8dd95defcb0a5156dc1cae7aadc000e1081ce34b79","before":"3730b4b96586938caebcae5877e4220eaa851cbc4f0e308b3f2906c567e3af72","cause":"","detail":"","found":"3730b4b96586938caebcae5877e4220eaa851cbc4f0e308b3f2906c567e3af72","held":true,"outcome":"applied","principal":"shared"}]}','43b4c4b0cedc9827a8f79e4808fa8c1180521aa65079a9015bf6ad99a55de94c','1630861eb29643856c91706ccc8c85c4884690c7da60b163d79aea6c73afafeb');
INSERT INTO "events" VALUES(22,'2027-01-15T08:03:00.000Z','0000000b','opened','alice','{"closed_at":"","frozen":"","id":"0000000b","opened_at":"2027-01-15T08:03:00.000Z","plan":"","reason":"breach","requester":"alice","scope":"{\"addresses\":[],\"connectors\":[],\"principals\":[],\"project\":\"\",\"realms\":[]}","status":"containing","vendor":"mercor","words":{},"workflow":"w"}','1630861eb29643856c91706ccc8c85c4884690c7da60b163d79aea6c73afafeb','65512ec4ece78e780557b6707711ef612f7b5f43e45766c5dee791ec0a875488');
INSERT INTO "events" VALUES(23,'2027-01-15T08:03:00.000Z','0000000b','receipts','stopline','{"attempt":"attempt-8","direction":"contain","receipts":[{"address":"memory:r1:foundation:Deny-J02f837dc","after":"8397ff76bc88c5dea8f0e5ed04ae16b6470b89df144b83d56e77f957e8a3038b","before":"","cause":"","detail":"","found":"8397ff76bc88c5dea8f0e5ed04ae16b6470b89df144b83d56e77f957e8a3038b","held":true,"outcome":"already","principal":"Deny-J02f837dc"}]}','65512ec4ece78e780557b6707711ef612f7b5f43e45766c5dee791ec0a875488','1284d90d755ef3b9abed29a3ed009e7d9c72a6fc1b6b63a58d4970935566f779');
INSERT INTO "events" VALUES(24,'2027-01-15T08:03:00.000Z','0000000b','receipts','stopline','{"attempt":"attempt-9","direction":"contain","receipts":[{"address":"memory:r1:attachment:v0#Deny-J02f837dc","after":"464cba26343dd9753a591ea1b52d52a1e59b20699b9003eabb60442505db416e","before":"","cause":"","detail":"","found":"464cba26343dd9753a591ea1b52d52a1e59b20699b9003eabb60442505db416e","held":true,"outcome":"already","principal":"v0"}]}','1284d90d755ef3b9abed29a3ed009e7d9c72a6fc1b6b63a58d4970935566f779','9646377e72fd3acf897c9322fd26ad31cf381f45681c37d143b7a7985c1c336c');
INSERT INTO "events" VALUES(25,'2027-01-15T08:03:00.000Z','0000000b','receipts','stopline','{"attempt":"attempt-10","direction":"contain","receipts":[{"address":"memory:r1:switch:v0/one","after":"2630621918a91f9f224332931192321c7c0bbc029b5ea619fb74793e370d7cd3","before":"ba8064d3b9b1d30b9b71f26428100a2b426a96f9d1f5dc57e75abc2f64c5ef69","cause":"","detail":"","found":"2630621918a91f9f224332931192321c7c0bbc029b5ea619fb74793e370d7cd3","held":true,"outcome":"already","principal":"v0"}]}','9646377e72fd3acf897c9322fd26ad31cf381f45681c37d143b7a7985c1c336c','8861f34137b37d18cfa658eb962c24eedaa592f0d0cce347a98db2e98c3b075b');
INSERT INTO "events" VALUES(26,'2027-01-15T08:05:00.000Z','0000000a','intent','stopline','{"attempt":"attempt-11","changes":[{"address":"memory:r1:switch:v1/one","after":"ba8064d3b9b1d30b9b71f26428100a2b426a96f9d1f5dc57e75abc2f64c5ef69","found":"2630621918a91f9f224332931192321c7c0bbc029b5ea619fb74793e370d7cd3"}],"direction":"restore","document":"memory:r1:switch:v1/one","raw":""}','8861f34137b37d18cfa658eb962c24eedaa592f0d0cce347a98db2e98c3b075b','bcdc66b3aa0d7b729ac26ee1a324ae25b3d8902624748811ae7e4043f9bcfdff');
INSERT INTO "events" VALUES(27,'2027-01-15T08:05:00.000Z','0000000a','receipts','stopline','{"attempt":"attempt-11","direction":"restore","receipts":[{"address":"memory:r1:switch:v1/one","after":"ba8064d3b9b1d30b9b71f26428100a2b426a96f9d1f5dc57e75abc2f64c5ef69","before":"2630621918a91f9f224332931192321c7c0bbc029b5ea619fb74793e370d7cd3","cause":"","detail":"","found":"2630621918a91f9f224332931192321c7c0bbc029b5ea619fb74793e370d7cd3","held":false,"outcome":"applied","principal":"v1"}]}','bcdc66b3aa0d7b729ac26ee1a324ae25b3d8902624748811ae7e4043f9bcfdff','f48830d2946d33e5cc41cc5795a50e790f1ab661bdfee1a1bf669c5a80fbaf80');
INSERT INTO "events" VALUES(28,'2027-01-15T08:05:00.000Z','0000000a','intent','stopline','{"attempt":"attempt-12","changes":[{"address":"memory:r1:attachment:v1#Deny-J02f837dc","after":"","found":"464cba26343dd9753a591ea1b52d52a1e59b20699b9003eabb60442505db416e"}],"direction":"restore","document":"memory:r1:attachment:v1","raw":""}','f48830d2946d33e5cc41cc5795a50e790f1ab661bdfee1a1bf669c5a80fbaf80','8fef2b260d93498536163322b938405e15eef62986ebbae0da96a1b729a9c5b1');
INSERT INTO "events" VALUES(29,'2027-01-15T08:05:00.000Z','0000000a','receipts','stopline','{"attempt":"attempt-12","direction":"restore","receipts":[{"address":"memory:r1:attachment:v1#Deny-J02f837dc","after":"","before":"464cba26343dd9753a591ea1b52d52a1e59b20699b9003eabb60442505db416e","cause":"","detail":"","found":"464cba26343dd9753a591ea1b52d52a1e59b20699b9003eabb60442505db416e","held":false,"outcome":"applied","principal":"v1"}]}','8fef2b260d93498536163322b938405e15eef62986ebbae0da96a1b729a9c5b1','e09f959a2998b34c11c79c4144a182a9a9c17b53eb103584e9eaf27181a9bfc6');
CREATE TABLE holds (
	address TEXT NOT NULL, 
	pause VARCHAR(16) NOT NULL, 
	change TEXT NOT NULL, 
	unproven BOOLEAN NOT NULL, 
	PRIMARY KEY (address, pause)
);
INSERT INTO "holds" VALUES('memory:r1:foundation:Deny-J02f837dc','0000000a','{"address":{"connector":"memory","id":"Deny-J02f837dc","kind":"foundation","realm":"r1"},"after":{"body":"{\"by\":\"02f837dc\",\"deny\":\"*\"}"},"before":null,"breadth":8,"felt":"","marked":true,"moment":"","phase":0,"principal":"Deny-J02f837dc","rule":"principals","stands_on":null,"summary":"create the deny that the attachments need","uid":"","vouched":true}',0);
INSERT INTO "holds" VALUES('memory:r1:attachment:v0#Deny-J02f837dc','0000000a','{"address":{"connector":"memory","id":"v0#Deny-J02f837dc","kind":"attachment","realm":"r1"},"after":{"body":"{\"on\":\"Deny-J02f837dc\"}"},"before":null,"breadth":4,"felt":"","marked":true,"moment":"","phase":0,"principal":"v0","rule":"principals","stands_on":{"connector":"memory","id":"Deny-J02f837dc","kind":"foundation","realm":"r1"},"summary":"attach the deny to v0","uid":"u0","vouched":true}',0);
INSERT INTO "holds" VALUES('memory:r1:switch:v0/one','0000000a','{"address":{"connector":"memory","id":"v0/one","kind":"switch","realm":"r1"},"after":{"body":"{\"Status\":\"off\"}"},"before":{"body":"{\"Status\":\"on\"}"},"breadth":1,"felt":"","marked":false,"moment":"","phase":1,"principal":"v0","rule":"switches","stands_on":null,"summary":"switch v0/one off","uid":"u0","vouched":true}',0);
INSERT INTO "holds" VALUES('memory:r1:statement:data#StoplineJ02f837dcP0000000aAcct','0000000a','{"address":{"connector":"memory","id":"data#StoplineJ02f837dcP0000000aAcct","kind":"statement","realm":"r1"},"after":{"body":"{\"Effect\":\"Deny\",\"Sid\":\"StoplineJ02f837dcP0000000aAcct\"}"},"before":null,"breadth":5,"felt":"","marked":true,"moment":"","phase":2,"principal":"data","rule":"targets","stands_on":null,"summary":"deny data to the vendor (Acct)","uid":"","vouched":true}',0);
INSERT INTO "holds" VALUES('memory:r1:statement:data#StoplineJ02f837dcP0000000aOwn','0000000a','{"address":{"connector":"memory","id":"data#StoplineJ02f837dcP0000000aOwn","kind":"statement","realm":"r1"},"after":{"body":"{\"Effect\":\"Deny\",\"Sid\":\"StoplineJ02f837dcP0000000aOwn\"}"},"before":null,"breadth":5,"felt":"","marked":true,"moment":"","phase":2,"principal":"data","rule":"targets","stands_on":null,"summary":"deny data to the vendor (Own)","uid":"","vouched":true}',0);
INSERT INTO "holds" VALUES('memory:r1:statement:empty#StoplineJ02f837dcP0000000aAcct','0000000a','{"address":{"connector":"memory","id":"empty#StoplineJ02f837dcP0000000aAcct","kind":"statement","realm":"r1"},"after":{"body":"{\"Effect\":\"Deny\",\"Sid\":\"StoplineJ02f837dcP0000000aAcct\"}"},"before":null,"breadth":5,"felt":"","marked":true,"moment":"","phase":2,"principal":"empty","rule":"targets","stands_on":null,"summary":"deny empty to the vendor (Acct)","uid":"","vouched":true}',0);
INSERT INTO "holds" VALUES('memory:r1:statement:empty#StoplineJ02f837dcP0000000aOwn','0000000a','{"address":{"connector":"memory","id":"empty#StoplineJ02f837dcP0000000aOwn","kind":"statement","realm":"r1"},"after":{"body":"{\"Effect\":\"Deny\",\"Sid\":\"StoplineJ02f837dcP0000000aOwn\"}"},"before":null,"breadth":5,"felt":"","marked":true,"moment":"","phase":2,"principal":"empty","rule":"targets","stands_on":null,"summary":"deny empty to the vendor (Own)","uid":"","vouched":true}',0);
INSERT INTO "holds" VALUES('memory:r1:door:shared#StoplineJ02f837dcP0000000a','0000000a','{"address":{"connector":"memory","id":"shared#StoplineJ02f837dcP0000000a","kind":"door","realm":"r1"},"after":{"body":"{\"Sid\":\"StoplineJ02f837dcP0000000a\"}"},"before":null,"breadth":5,"felt":"","marked":true,"moment":"","phase":3,"principal":"shared","rule":"shared","stands_on":null,"summary":"deny the vendor at the door of shared","uid":"u3","vouched":true}',0);
INSERT INTO "holds" VALUES('memory:r1:cut:shared/StoplineJ02f837dcP0000000a','0000000a','{"address":{"connector":"memory","id":"shared/StoplineJ02f837dcP0000000a","kind":"cut","realm":"r1"},"after":{"body":"{\"before\":\"2027-01-15T08:00:00Z\"}"},"before":null,"breadth":1,"felt":"shared with mercer, who must sign in again","marked":true,"moment":"2027-01-15T08:00:00Z","phase":3,"principal":"shared","rule":"shared","stands_on":null,"summary":"end the older sessions of shared","uid":"u3","vouched":true}',0);
INSERT INTO "holds" VALUES('memory:r1:foundation:Deny-J02f837dc','0000000b','{"address":{"connector":"memory","id":"Deny-J02f837dc","kind":"foundation","realm":"r1"},"after":{"body":"{\"by\":\"02f837dc\",\"deny\":\"*\"}"},"before":null,"breadth":8,"felt":"","marked":true,"moment":"","phase":0,"principal":"Deny-J02f837dc","rule":"principals","stands_on":null,"summary":"create the deny that the attachments need","uid":"","vouched":true}',0);
INSERT INTO "holds" VALUES('memory:r1:attachment:v0#Deny-J02f837dc','0000000b','{"address":{"connector":"memory","id":"v0#Deny-J02f837dc","kind":"attachment","realm":"r1"},"after":{"body":"{\"on\":\"Deny-J02f837dc\"}"},"before":null,"breadth":4,"felt":"","marked":true,"moment":"","phase":0,"principal":"v0","rule":"principals","stands_on":{"connector":"memory","id":"Deny-J02f837dc","kind":"foundation","realm":"r1"},"summary":"attach the deny to v0","uid":"u0","vouched":true}',0);
INSERT INTO "holds" VALUES('memory:r1:switch:v0/one','0000000b','{"address":{"connector":"memory","id":"v0/one","kind":"switch","realm":"r1"},"after":{"body":"{\"Status\":\"off\"}"},"before":{"body":"{\"Status\":\"on\"}"},"breadth":1,"felt":"","marked":false,"moment":"","phase":1,"principal":"v0","rule":"switches","stands_on":null,"summary":"switch v0/one off","uid":"u0","vouched":true}',0);
CREATE TABLE leases (
	document TEXT NOT NULL, 
	holder TEXT NOT NULL, 
	expires FLOAT NOT NULL, 
	PRIMARY KEY (document)
);
CREATE TABLE meta (
	name VARCHAR(32) NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "meta" VALUES('journal','02f837dc');
CREATE TABLE originals (
	document TEXT NOT NULL, 
	raw TEXT NOT NULL, 
	PRIMARY KEY (document)
);
INSERT INTO "originals" VALUES('memory:r1:foundation:Deny-J02f837dc','');
INSERT INTO "originals" VALUES('memory:r1:attachment:v0','');
INSERT INTO "originals" VALUES('memory:r1:switch:v0/one','');
INSERT INTO "originals" VALUES('memory:r1:statement:data','{ "Statement": [ {"Sid": "Lab"} ] }');
INSERT INTO "originals" VALUES('memory:r1:statement:empty','');
INSERT INTO "originals" VALUES('memory:r1:door:shared','');
INSERT INTO "originals" VALUES('memory:r1:cut:shared/StoplineJ02f837dcP0000000a','');
CREATE TABLE pauses (
	id VARCHAR(16) NOT NULL, 
	vendor VARCHAR(64) NOT NULL, 
	scope TEXT NOT NULL, 
	workflow TEXT NOT NULL, 
	requester TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	opened_at VARCHAR(32) NOT NULL, 
	status VARCHAR(32) NOT NULL, 
	closed_at VARCHAR(32) NOT NULL, 
	frozen VARCHAR(64) NOT NULL, 
	"plan" VARCHAR(64) NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "pauses" VALUES('0000000a','mercor','{"addresses":[],"connectors":[],"principals":[],"project":"","realms":[]}','w','alice','breach','2027-01-15T08:00:00.000Z','containing','','','');
INSERT INTO "pauses" VALUES('0000000b','mercor','{"addresses":[],"connectors":[],"principals":[],"project":"","realms":[]}','w','alice','breach','2027-01-15T08:03:00.000Z','containing','','','');
CREATE TABLE records (
	address TEXT NOT NULL, 
	document TEXT NOT NULL, 
	prior TEXT, 
	ours TEXT, 
	written BOOLEAN NOT NULL, 
	PRIMARY KEY (address)
);
INSERT INTO "records" VALUES('memory:r1:foundation:Deny-J02f837dc','memory:r1:foundation:Deny-J02f837dc',NULL,'{"by":"02f837dc","deny":"*"}',1);
INSERT INTO "records" VALUES('memory:r1:attachment:v0#Deny-J02f837dc','memory:r1:attachment:v0',NULL,'{"on":"Deny-J02f837dc"}',1);
INSERT INTO "records" VALUES('memory:r1:switch:v0/one','memory:r1:switch:v0/one','{"Status":"on"}','{"Status":"off"}',1);
INSERT INTO "records" VALUES('memory:r1:statement:data#StoplineJ02f837dcP0000000aAcct','memory:r1:statement:data',NULL,'{"Effect":"Deny","Sid":"StoplineJ02f837dcP0000000aAcct"}',1);
INSERT INTO "records" VALUES('memory:r1:statement:data#StoplineJ02f837dcP0000000aOwn','memory:r1:statement:data',NULL,'{"Effect":"Deny","Sid":"StoplineJ02f837dcP0000000aOwn"}',1);
INSERT INTO "records" VALUES('memory:r1:statement:empty#StoplineJ02f837dcP0000000aAcct','memory:r1:statement:empty',NULL,'{"Effect":"Deny","Sid":"StoplineJ02f837dcP0000000aAcct"}',1);
INSERT INTO "records" VALUES('memory:r1:statement:empty#StoplineJ02f837dcP0000000aOwn','memory:r1:statement:empty',NULL,'{"Effect":"Deny","Sid":"StoplineJ02f837dcP0000000aOwn"}',1);
INSERT INTO "records" VALUES('memory:r1:door:shared#StoplineJ02f837dcP0000000a','memory:r1:door:shared',NULL,'{"Sid":"StoplineJ02f837dcP0000000a"}',1);
INSERT INTO "records" VALUES('memory:r1:cut:shared/StoplineJ02f837dcP0000000a','memory:r1:cut:shared/StoplineJ02f837dcP0000000a',NULL,'{"before":"2027-01-15T08:00:01Z"}',1);
CREATE INDEX events_by_pause ON events (pause, kind);
CREATE INDEX pauses_by_vendor ON pauses (vendor);
CREATE INDEX records_by_document ON records (document);
CREATE INDEX holds_by_pause ON holds (pause);
CREATE TRIGGER events_no_update BEFORE update ON events
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER events_no_delete BEFORE delete ON events
BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
COMMIT;